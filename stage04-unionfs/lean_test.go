package unionfs

import (
	"archive/tar"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// leaning are layers, and the directories that each leaves to those below it.
var leaning = []struct {
	name  string
	items []item
	dirs  []string
}{
	{"every directory is listed", []item{dir("tmp/"), file("tmp/f", "")}, nil},
	{"a directory is listed after its file", []item{file("tmp/f", ""), dir("tmp/")}, nil},
	{"a file alone", []item{file("tmp/f", "")}, []string{"tmp"}},
	{"a file deep down", []item{file("a/b/c/f", "")}, []string{"a", "a/b", "a/b/c"}},
	{"a whiteout alone", []item{file("tmp/.wh.f", "")}, []string{"tmp"}},
	{"an emptied directory", []item{file("tmp/.wh..wh..opq", ""), file("tmp/f", "")}, []string{"tmp"}},
	{"in an emptied directory", []item{dir("a/"), file("a/.wh..wh..opq", ""), file("a/tmp/f", "")}, nil},
	{"in a directory emptied afterwards", []item{dir("a/"), file("a/tmp/f", ""), file("a/.wh..wh..opq", "")}, nil},
	{"in an emptied root", []item{file(".wh..wh..opq", ""), file("tmp/f", "")}, nil},
	{"a new directory in the old one's place", []item{file(".wh.tmp", ""), file("tmp/f", "")}, nil},
	{"the same in the other order", []item{file("tmp/f", ""), file(".wh.tmp", "")}, nil},
	{"a directory that a file replaces", []item{file("tmp/f", ""), file("tmp", "")}, nil},
	{"a directory by way of a link", []item{dir("d/"), symlink("l", "d"), file("l/tmp/f", "")}, nil},
	{"a hard link's other name", []item{file("a/f", ""), hardlink("b/f", "a/f")}, []string{"a", "b"}},
}

// below shows a directory of each name with looks of its own.
func below(t testing.TB) string {
	looks := func(i item) item {
		return records(i, "SCHILY.xattr.user.note", "from below").with(func(h *tar.Header) { h.Mode, h.Uid, h.Gid = 0o1777, 3, 4 })
	}
	var items []item
	for _, name := range []string{"tmp", "a", "a/b", "a/b/c", "a/tmp", "b", "d", "d/tmp", "l", "l/tmp"} {
		items = append(items, looks(dir(name+"/")))
	}
	return applied(t, items...)
}

func TestALayerThatLeansIsTheSameCompletedAfterwards(t *testing.T) {
	needRoot(t)
	lower := []string{t.TempDir(), below(t)}
	for _, c := range leaning {
		t.Run(c.name, func(t *testing.T) {
			on := applyOn(t, lower, c.dirs, c.items)
			alone := applyOn(t, nil, c.dirs, c.items)
			for _, at := range c.dirs {
				require.EqualValues(t, 0o40755, lstat(t, alone+"/"+at).Mode)
			}
			require.NoError(t, Leaning{Dirs: c.dirs}.LookAsBelow(alone, lower))
			require.Equal(t, undated(census(t, on)), undated(census(t, alone)))
			for _, at := range c.dirs {
				got := lstat(t, on+"/"+at)
				require.Equal(t, []uint32{0o41777, 3, 4}, []uint32{got.Mode, got.Uid, got.Gid}, at)
				require.Equal(t, day.UnixNano(), got.Mtim.Nano(), at)
				require.Equal(t, "from below", attribute(t, on+"/"+at, "user.note"), at)
			}
			if c.dirs == nil {
				require.NotContains(t, census(t, on), "from below")
			}
		})
	}
}

func applyOn(t testing.TB, lower, dirs []string, items []item) string {
	t.Helper()
	root := t.TempDir()
	leaning, err := Applier{Limits: DefaultLimits(), Lower: lower}.Apply(context.Background(), root, archive(t, items...))
	require.NoError(t, err)
	require.Equal(t, Leaning{Dirs: dirs}, leaning)
	return root
}

func TestWhereNothingIsBelowALeaningLayerStaysAsItIs(t *testing.T) {
	needRoot(t)
	root := applyOn(t, []string{t.TempDir()}, []string{"new"}, []item{file("new/f", "")})
	before := census(t, root)
	require.EqualValues(t, 0o40755, lstat(t, root+"/new").Mode)
	require.NoError(t, Leaning{Dirs: []string{"new"}}.LookAsBelow(root, nil))
	require.Equal(t, before, census(t, root))
}

// A link in a layer below leads nowhere: what a layer puts behind its name is in
// a new directory of the layer's own, which hides the link. Docker does so, too.
func TestALinkOfALayerBelowIsNotFollowed(t *testing.T) {
	needRoot(t)
	for name, items := range map[string][]item{
		"a file":            {file("l/new", "x")},
		"over a file":       {file("l/secret", "x")},
		"deep down":         {file("l/dir/a/b", "x")},
		"a whiteout":        {file("l/.wh.secret", "")},
		"an opaque mark":    {file("l/.wh..wh..opq", "")},
		"another hard link": {file("l/f", "x"), hardlink("l/g", "l/f")},
	} {
		for _, target := range []string{"OUTSIDE", "../../../../../../../../OUTSIDE", "inside"} {
			p := newPlace(t)
			lower := applied(t, p.aim([]item{dir("inside/"), file("inside/secret", "s"), symlink("l", target)})...)
			before := census(t, lower)
			_, err := Applier{Limits: DefaultLimits(), Lower: []string{lower}}.Apply(context.Background(), p.layer, archive(t, items...))
			require.NoError(t, err, name)
			p.untouched(t)
			p.nothingTaken(t)
			require.Equal(t, before, census(t, lower), name)
			require.EqualValues(t, unix.S_IFDIR|0o755, lstat(t, p.layer+"/l").Mode, name)
		}
	}
	p := newPlace(t)
	lower := applied(t, p.aim([]item{symlink("l", "OUTSIDE"), symlink("f", "OUTSIDE/secret")})...)
	for _, target := range []string{"l/secret", "f"} {
		_, err := Applier{Limits: DefaultLimits(), Lower: []string{lower}}.Apply(context.Background(), p.layer, archive(t, hardlink("h", target)))
		require.ErrorIs(t, err, ErrNoTarget, target)
	}
}
