package unionfs

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The attack cases S37: each row is a layer that tries to reach outside. In
// every row OUTSIDE stands for the path of a directory on the host that the
// layer must not change, nor bring into itself.
func TestAHostileLayerReachesNothingOutside(t *testing.T) {
	needRoot(t)
	for _, c := range []struct {
		name  string
		items []item
		err   string // "" is accepted, inside
	}{
		{"an absolute name", []item{file("/etc/abs", "x")}, ""},
		{"an absolute name that exists on the host", []item{file("OUTSIDE/new", "x")}, ""},
		{"dots to the host", []item{file("../../../../../../../../OUTSIDE/dotdot", "x")}, "out of the layer"},
		{"dots after a directory", []item{dir("a/"), file("a/../../x", "x")}, "out of the layer"},
		{"dots that stay inside", []item{dir("etc/"), file("etc/../etc/ok", "x")}, ""},
		{"a directory of dots", []item{dir("../outside2/")}, "out of the layer"},

		{"a file through an absolute link", []item{symlink("l", "OUTSIDE"), file("l/new", "x")}, "not a directory"},
		{"a file over a file through an absolute link", []item{symlink("l", "OUTSIDE"), file("l/secret", "x")}, "not a directory"},
		{"a file through a link to /", []item{symlink("l", "/"), file("l/inside", "x")}, ""},
		{"a file through a relative link", []item{symlink("l", "../../../../../../../../../../../../OUTSIDE"), file("l/new", "x")}, "not a directory"},
		{"a file through a link to a link", []item{symlink("a", "OUTSIDE"), symlink("b", "a"), file("b/new", "x")}, "not a directory"},
		{"a file through a link in the middle", []item{symlink("l", ".."), file("l/OUTSIDE/new", "x")}, ""},
		{"a file through a magic link", []item{symlink("l", "/proc/self/root"), file("l/new", "x")}, "not a directory"},
		{"a file through a loop", []item{symlink("l", "l"), file("l/new", "x")}, "too many"},
		{"a file over a link", []item{symlink("l", "OUTSIDE/secret"), file("l", "x")}, ""},
		{"a directory over a link changes no mode outside", []item{symlink("l", "OUTSIDE"), dir("l/").with(func(h *tar.Header) { h.Mode = 0o777 })}, ""},
		{"a fifo over a link", []item{symlink("l", "OUTSIDE/secret"), node(tar.TypeFifo, "l", 0, 0)}, ""},
		{"a link over a link", []item{symlink("l", "OUTSIDE"), symlink("l", "OUTSIDE/secret")}, ""},

		{"a hard link to the host", []item{hardlink("h", "OUTSIDE/secret")}, "hard link's target"},
		{"a hard link by dots", []item{hardlink("h", "../../../../../../../../../../OUTSIDE/secret")}, "out of the layer"},
		{"a hard link through a link", []item{symlink("l", "OUTSIDE"), hardlink("h", "l/secret")}, "hard link's target"},
		{"a hard link to a link, then a file", []item{symlink("l", "OUTSIDE/secret"), hardlink("h", "l"), file("h", "x")}, ""},
		{"a hard link to a directory", []item{dir("d/"), hardlink("h", "d")}, "operation not permitted"},
		{"a hard link to itself", []item{file("f", "x"), hardlink("f", "./f")}, "itself"},
		{"a hard link to the root", []item{hardlink("h", "/")}, "hard link's target"},
		{"a hard link to a whiteout", []item{file(".wh.f", ""), hardlink("h", "f")}, "this layer removes it"},

		{"a whiteout of ..", []item{file(".wh...", "")}, "a whiteout of"},
		{"a whiteout of .", []item{file(".wh..", "")}, "a whiteout of"},
		{"a whiteout of nothing", []item{file("d/.wh.", "")}, "a whiteout of"},
		{"a whiteout through a link", []item{symlink("l", "OUTSIDE"), file("l/.wh.secret", "")}, "not a directory"},
		{"opaque through a link", []item{symlink("l", "OUTSIDE"), file("l/.wh..wh..opq", "")}, "not a directory"},
		{"a whiteout as a directory", []item{file(".wh.../x", "x")}, "lies in a whiteout"},
		{"a whiteout out of the layer", []item{file("../.wh.outside", "")}, "out of the layer"},
		{"opaque root", []item{file(".wh..wh..opq", "")}, ""},
		{"a forged whiteout", []item{node(tar.TypeChar, "etc/passwd", 0, 0)}, "how overlayfs hides"},
		{"a forged redirect", []item{records(dir("d/"), "SCHILY.xattr.trusted.overlay.redirect", "/../..")}, ""},

		{"an entry without a name", []item{dir("")}, ""},
		{"the root as a link", []item{symlink(".", "OUTSIDE"), file("new", "x")}, ""},
		{"the root as a file", []item{file(".", "x")}, ""},
		{"a component of 300 characters", []item{file("d/"+strings.Repeat("x", 300), "")}, "name too long"},
		{"3000 levels", []item{file(strings.Repeat("d/", 3000)+"f", "")}, "name too long"},
		{"2000 levels", []item{file(strings.Repeat("d/", 2000)+"f", "")}, ""},
		{"an owner that means nobody", []item{file("f", "").with(func(h *tar.Header) { h.Uid = 1<<32 - 1 })}, "no user and group"},
		{"an unknown kind", []item{{Header: tar.Header{Typeflag: 'Z', Name: "z", Format: tar.FormatPAX}}}, "kind of file"},
		{"a file as a directory", []item{file("f", "x"), file("f/g", "x")}, "not a directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			place := newPlace(t)
			err := Apply(context.Background(), place.layer, archive(t, place.aim(c.items)...))
			place.untouched(t)
			if c.err == "" {
				require.NoError(t, err)
				place.nothingTaken(t)
				return
			}
			require.ErrorContains(t, err, c.err)
			require.Empty(t, names(t, place.layer), "half a layer is left")
		})
	}
}

func TestABrokenArchiveLeavesNothing(t *testing.T) {
	needRoot(t)
	whole := archive(t, dir("d/"), file("d/a", strings.Repeat("a", 50_000)), file("d/b", strings.Repeat("b", 50_000)))
	noise := make([]byte, 10_000)
	_, _ = rand.Read(noise)
	withNUL := archive(t, records(file("f", ""), "comment", "path=xy")).Bytes()
	withNUL = bytes.Replace(withNUL, []byte("comment=path=xy"), []byte("path=fo\x00comment"), 1)
	for name, c := range map[string]struct {
		archive []byte
		err     string
	}{
		"cut in a file":     {whole.Bytes()[:40_000], "unexpected EOF"},
		"cut in a header":   {whole.Bytes()[:700], "unexpected EOF"},
		"noise":             {noise, "invalid tar header"},
		"NUL in a PAX path": {withNUL, "invalid tar header"},
	} {
		t.Run(name, func(t *testing.T) {
			place := newPlace(t)
			require.ErrorContains(t, Apply(context.Background(), place.layer, bytes.NewReader(c.archive)), c.err)
			require.Empty(t, names(t, place.layer))
			place.untouched(t)
		})
	}
}

// A place is a directory for a layer beside one that a layer must not touch.
type place struct {
	layer, outside, before string
}

const secret = "nobody may read or change this"

func newPlace(t testing.TB) place {
	t.Helper()
	top := t.TempDir()
	p := place{layer: filepath.Join(top, "layer"), outside: filepath.Join(top, "outside")}
	require.NoError(t, os.MkdirAll(p.outside+"/dir", 0o750))
	require.NoError(t, os.WriteFile(p.outside+"/secret", []byte(secret), 0o600))
	require.NoError(t, os.Symlink("secret", p.outside+"/link"))
	require.NoError(t, os.Mkdir(p.layer, 0o755))
	p.before = p.surroundings(t)
	return p
}

// surroundings is a census of everything around the layer.
func (p place) surroundings(t testing.TB) string {
	return strings.Join(names(t, filepath.Dir(p.layer)), " ") + "\n" + census(t, p.outside)
}

func (p place) untouched(t testing.TB) {
	t.Helper()
	require.Equal(t, p.before, p.surroundings(t), "the layer changed something outside")
	require.EqualValues(t, 1, lstat(t, p.outside+"/secret").Nlink, "the layer linked to the secret")
}

// nothingTaken checks that the secret didn't get into the layer.
func (p place) nothingTaken(t testing.TB) {
	t.Helper()
	require.NoError(t, filepath.Walk(p.layer, func(path string, info os.FileInfo, err error) error {
		require.NoError(t, err)
		if info.Mode().IsRegular() {
			require.NotContains(t, slurp(t, path), secret)
		}
		return nil
	}))
}

// aim puts the path of the outside in.
func (p place) aim(items []item) []item {
	aimed := make([]item, len(items))
	for n, i := range items {
		i.Name = strings.ReplaceAll(i.Name, "OUTSIDE", p.outside)
		i.Linkname = strings.ReplaceAll(i.Linkname, "OUTSIDE", p.outside)
		aimed[n] = i
	}
	return aimed
}
