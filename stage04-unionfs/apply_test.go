package unionfs

import (
	"archive/tar"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cooper/stage04-unionfs/hardlayers"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestApplyMakesEveryKindOfFile(t *testing.T) {
	needRoot(t)
	dir := applied(t,
		dir("d/").with(func(h *tar.Header) { h.Mode = 0o1777 }),
		file("d/plain", "hello").with(func(h *tar.Header) { h.Mode, h.Uid, h.Gid = 0o640, 12, 34 }),
		file("d/setuid", "run me").with(func(h *tar.Header) { h.Mode, h.Uid, h.Gid = 0o6755, 7, 8 }),
		symlink("d/link", "/nowhere/at/all").with(func(h *tar.Header) { h.Uid, h.Gid = 5, 6 }),
		hardlink("d/second", "d/plain"),
		node(tar.TypeChar, "d/null", 1, 3).with(func(h *tar.Header) { h.Mode = 0o666 }),
		node(tar.TypeBlock, "d/disk", 254, 0),
		node(tar.TypeFifo, "d/pipe", 0, 0),
	)
	require.EqualValues(t, unix.S_IFDIR|0o1777, lstat(t, dir+"/d").Mode)
	plain := lstat(t, dir+"/d/plain")
	require.EqualValues(t, unix.S_IFREG|0o640, plain.Mode)
	require.Equal(t, [2]uint32{12, 34}, [2]uint32{plain.Uid, plain.Gid})
	require.EqualValues(t, unix.S_IFREG|0o6755, lstat(t, dir+"/d/setuid").Mode, "a chown after the chmod loses the bits")
	require.Equal(t, plain.Ino, lstat(t, dir+"/d/second").Ino)
	link := lstat(t, dir+"/d/link")
	require.Equal(t, [2]uint32{5, 6}, [2]uint32{link.Uid, link.Gid})
	require.Equal(t, unix.Mkdev(1, 3), lstat(t, dir+"/d/null").Rdev)
	require.EqualValues(t, unix.S_IFCHR|0o666, lstat(t, dir+"/d/null").Mode, "the umask is none of a layer's business")
	require.EqualValues(t, unix.S_IFBLK|0o660, lstat(t, dir+"/d/disk").Mode)
	require.EqualValues(t, unix.S_IFIFO|0o660, lstat(t, dir+"/d/pipe").Mode)
}

func TestApplyKeepsTimes(t *testing.T) {
	needRoot(t)
	times := map[string]time.Time{
		"d":            time.Unix(1_000_000_000, 5),
		"d/subsecond":  time.Unix(1_700_000_000, 123_456_789),
		"d/preepoch":   time.Unix(-86_400, 250_000_000),
		"d/epoch":      time.Unix(0, 0),
		"d/e":          time.Unix(1_100_000_000, 0),
		"d/e/f":        time.Unix(1_200_000_000, 0),
		"d/linked":     time.Unix(1_300_000_000, 7),
		"d/aftertheme": time.Unix(1_400_000_000, 0),
	}
	at := func(i item) item {
		return i.with(func(h *tar.Header) {
			h.ModTime, h.Format = times[strings.TrimSuffix(h.Name, "/")], tar.FormatPAX
		})
	}
	root := applied(t, at(dir("d/")), at(file("d/subsecond", "")), at(file("d/preepoch", "x")), at(file("d/epoch", "")),
		at(dir("d/e/")), at(file("d/e/f", "")), at(symlink("d/linked", "e")), at(file("d/aftertheme", "")))
	for name, want := range times {
		got := lstat(t, filepath.Join(root, name)).Mtim
		require.Equal(t, want.UnixNano(), got.Nano(), name)
	}
}

func TestApplyReadsTheNamesAndNumbersThatUstarHasNoRoomFor(t *testing.T) {
	needRoot(t)
	long := strings.Repeat("long-name/", 30) + "end"
	for _, format := range []tar.Format{tar.FormatPAX, tar.FormatGNU} {
		t.Run(format.String(), func(t *testing.T) {
			root := applied(t,
				file(long, "x").with(func(h *tar.Header) { h.Format = format }),
				file("owner", "").with(func(h *tar.Header) { h.Format, h.Uid, h.Gid = format, 4_000_000_000, 1<<21+1 }),
				file("raw-\xff\xfe-bytes", "").with(func(h *tar.Header) { h.Format = format }),
				symlink("far", long).with(func(h *tar.Header) { h.Format = format }),
			)
			require.FileExists(t, filepath.Join(root, long))
			owner := lstat(t, root+"/owner")
			require.Equal(t, [2]uint32{4_000_000_000, 1<<21 + 1}, [2]uint32{owner.Uid, owner.Gid})
			require.FileExists(t, root+"/raw-\xff\xfe-bytes")
			target, err := os.Readlink(root + "/far")
			require.NoError(t, err)
			require.Equal(t, long, target)
		})
	}
}

func TestApplyKeepsOnlyAttributesThatBelongInALayer(t *testing.T) {
	needRoot(t)
	capability := "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	hostile := []string{"SCHILY.xattr.trusted.overlay.redirect", "/../..", "SCHILY.xattr.trusted.overlay.opaque", "y",
		"SCHILY.xattr.user.overlay.opaque", "y", "SCHILY.xattr.trusted.mine", "x", "SCHILY.xattr.security.selinux", "label"}
	root := applied(t,
		records(dir("d/"), append(hostile, "SCHILY.xattr.user.kept", "on a directory")...),
		records(file("d/f", "x"), append(hostile, "SCHILY.xattr.user.kept", "with \x00 and =", "SCHILY.xattr.security.capability", capability)...).
			with(func(h *tar.Header) { h.Uid = 9 }),
		records(symlink("d/l", "f"), "SCHILY.xattr.user.kept", "a link can't have it"),
	)
	kept, err := hardlayers.Attributes(root + "/d")
	require.NoError(t, err)
	require.Equal(t, []string{`user.kept="on a directory"`}, kept)
	require.Equal(t, "with \x00 and =", attribute(t, root+"/d/f", "user.kept"))
	require.Equal(t, capability, attribute(t, root+"/d/f", "security.capability"), "set before the chown, it would be gone")
	for _, name := range []string{"trusted.overlay.redirect", "trusted.overlay.opaque", "trusted.mine", "user.overlay.opaque"} {
		require.Empty(t, attribute(t, root+"/d/f", name), name)
	}
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	fd, err := openRoot(dir)
	require.NoError(t, err)
	defer unix.Close(fd)
	list, err := sortedNames(fd)
	require.NoError(t, err)
	return list
}

func TestTheLastOfTwoEntriesCounts(t *testing.T) {
	needRoot(t)
	for _, c := range []struct {
		name  string
		items []item
		check func(t *testing.T, root string)
	}{
		{"file over file", []item{file("x", "old"), file("x", "new")}, func(t *testing.T, root string) {
			require.Equal(t, "new", slurp(t, root+"/x"))
		}},
		{"file over a file with another name", []item{file("y", "kept"), hardlink("x", "y"), file("x", "new")}, func(t *testing.T, root string) {
			require.Equal(t, "kept", slurp(t, root+"/y"))
			require.Equal(t, "new", slurp(t, root+"/x"))
		}},
		{"file over link", []item{file("y", "kept"), symlink("x", "y"), file("x", "new")}, func(t *testing.T, root string) {
			require.Equal(t, "kept", slurp(t, root+"/y"))
			require.True(t, isRegular(lstat(t, root+"/x")))
		}},
		{"directory over link", []item{dir("y/"), symlink("x", "y"), dir("x/"), file("x/f", "")}, func(t *testing.T, root string) {
			require.True(t, isDir(lstat(t, root+"/x")))
			require.Empty(t, names(t, root+"/y"))
		}},
		{"file over full directory", []item{dir("x/"), file("x/a/b/c", ""), file("x", "new")}, func(t *testing.T, root string) {
			require.Equal(t, "new", slurp(t, root+"/x"))
		}},
		{"link over the directory that was just used", []item{dir("y/"), dir("x/"), file("x/a", ""), symlink("x", "y"), file("x/b", "")}, func(t *testing.T, root string) {
			require.Equal(t, []string{"b"}, names(t, root+"/y"))
		}},
		{"directory over directory keeps what is in it", []item{dir("x/"), file("x/f", ""), dir("x/").with(func(h *tar.Header) { h.Mode = 0o700 })}, func(t *testing.T, root string) {
			require.FileExists(t, root+"/x/f")
			require.EqualValues(t, unix.S_IFDIR|0o700, lstat(t, root+"/x").Mode)
		}},
		{"fifo over device", []item{node(tar.TypeChar, "x", 1, 3), node(tar.TypeFifo, "x", 0, 0)}, func(t *testing.T, root string) {
			require.EqualValues(t, unix.S_IFIFO|0o660, lstat(t, root+"/x").Mode)
		}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, applied(t, c.items...)) })
	}
}

func slurp(t testing.TB, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(body)
}

func TestTheLayersRootIsSeenByEveryUserUnlessTheLayerSaysOtherwise(t *testing.T) {
	needRoot(t)
	dirFromMktemp := t.TempDir()
	require.NoError(t, os.Chmod(dirFromMktemp, 0o700))
	require.NoError(t, Apply(context.Background(), dirFromMktemp, archive(t, file("f", ""))))
	require.EqualValues(t, unix.S_IFDIR|0o755, lstat(t, dirFromMktemp).Mode)

	forged := applied(t, symlink(".", "/"), file("./", "").with(func(h *tar.Header) { h.Name, h.Mode, h.Uid = ".", 0o4777, 5 }))
	require.EqualValues(t, unix.S_IFDIR|0o755, lstat(t, forged).Mode, "only a directory speaks for the root")
	require.Zero(t, lstat(t, forged).Uid)

	said := applied(t, dir("./").with(func(h *tar.Header) { h.Mode, h.Uid = 0o711, 3 }), file("./f", ""))
	require.EqualValues(t, unix.S_IFDIR|0o711, lstat(t, said).Mode)
	require.EqualValues(t, 3, lstat(t, said).Uid)
	require.Equal(t, day.Unix(), lstat(t, said).Mtim.Sec)
}

func TestApplyTakesADirectoryOfItsOwn(t *testing.T) {
	needRoot(t)
	used := t.TempDir()
	require.NoError(t, os.WriteFile(used+"/mine", nil, 0o600))
	require.ErrorIs(t, Apply(context.Background(), used, archive(t, file("f", ""))), ErrNotEmpty)
	require.Equal(t, []string{"mine"}, names(t, used))
}

func TestApplyReadsTheLayerToItsEnd(t *testing.T) {
	needRoot(t)
	layer := archive(t, file("f", "x"))
	layer.Write(make([]byte, 10_240)) // GNU tar fills its last record up
	require.NoError(t, Apply(context.Background(), t.TempDir(), layer))
	require.Zero(t, layer.Len(), "a hash over the stream would be wrong")
}

func TestApplyStopsWhenNobodyWaitsForIt(t *testing.T) {
	needRoot(t)
	ctx, cancel := context.WithCancel(context.Background())
	layer := archive(t, file("a", "x"), file("b", strings.Repeat("y", 1<<20)))
	root := t.TempDir()
	err := Apply(ctx, root, cancelling{layer, cancel})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, names(t, root))
}

// cancelling cancels at the first read.
type cancelling struct {
	io.Reader
	cancel func()
}

func (c cancelling) Read(p []byte) (int, error) {
	c.cancel()
	return c.Reader.Read(p)
}
