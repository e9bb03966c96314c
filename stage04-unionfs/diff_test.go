package unionfs

import (
	"archive/tar"
	"bytes"
	"context"
	"cooper/stage04-unionfs/hardlayers"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestDiffIsApplysInverse(t *testing.T) {
	needRoot(t)
	long := strings.Repeat("long/", 40)
	first := applied(t,
		dir("./").with(func(h *tar.Header) { h.Mode = 0o1711 }),
		records(dir("d/"), "SCHILY.xattr.user.a", "1").with(func(h *tar.Header) { h.Mode, h.Uid = 0o2770, 5_000_000 }),
		records(file("d/f", "content"), "SCHILY.xattr.user.b", "=\x00=", "SCHILY.xattr.user.a", "x"),
		hardlink("a-name-before", "d/f"), hardlink("d/z", "d/f"),
		symlink("d/link", "../../d/f"), hardlink("d/link2", "d/link"),
		node(tar.TypeChar, "d/null", 1, 3), hardlink("d/null2", "d/null"), node(tar.TypeBlock, "d/disk", 259, 1_000_000), node(tar.TypeFifo, "d/pipe", 0, 0),
		file("d/.wh.gone", ""), file("o/.wh..wh..opq", ""), file("o/f", ""),
		file(long+"f", "deep"), file("raw\xff", ""), file("empty", "").with(func(h *tar.Header) { h.Mode = 0 }),
	)
	roundTrip(t, first)
	roundTrip(t, applied(t, file(".wh..wh..opq", ""), dir("./").with(func(h *tar.Header) { h.Mode = 0o700 }), file("alone", "")))
	roundTrip(t, applied(t, file(".wh..wh..opq", "")))
	for _, layer := range append(hardlayers.Portable(), hardlayers.Contrary()) {
		roundTrip(t, stacked(t, append(hardlayers.Portable(), layer)...)[0])
	}
}

func TestALayerListsEntriesInOrder(t *testing.T) {
	needRoot(t)
	root := applied(t, dir("b/"), file("b/2", ""), file("b/10", ""), file("a", ""), file(".wh.c", ""), file("b/.wh..wh..opq", ""))
	var layer bytes.Buffer
	require.NoError(t, Diff(&layer, root))
	require.Equal(t, []string{"a", "b/", "b/.wh..wh..opq", "b/10", "b/2", ".wh.c"}, listed(t, &layer))
}

func TestTheEmptyDirectoryIsTheEmptyLayer(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	require.NoError(t, os.Chmod(root, 0o755))
	var layer bytes.Buffer
	require.NoError(t, Diff(&layer, root))
	require.Equal(t, make([]byte, 1024), layer.Bytes())
	require.NoError(t, Apply(context.Background(), root, &layer))
}

func listed(t testing.TB, layer io.Reader) (names []string) {
	for archive := tar.NewReader(layer); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return names
		}
		require.NoError(t, err)
		names = append(names, h.Name)
	}
}

func TestDiffRefusesWhatALayerCannotSay(t *testing.T) {
	needRoot(t)
	for name, c := range map[string]struct {
		make func(upper string) error
		says string
	}{
		"a name that would be a whiteout": {func(upper string) error { return os.WriteFile(upper+"/.wh.etc", nil, 0o600) }, "would mean a removed file"},
		"a directory moved by overlayfs": {func(upper string) error {
			_ = os.Mkdir(upper+"/d", 0o755)
			return unix.Setxattr(upper+"/d", "trusted.overlay.redirect", []byte("elsewhere"), 0)
		}, "in a lower directory"},
		"a file without its content": {func(upper string) error {
			_ = os.WriteFile(upper+"/f", nil, 0o600)
			return unix.Setxattr(upper+"/f", "trusted.overlay.metacopy", nil, 0)
		}, "in a lower directory"},
	} {
		t.Run(name, func(t *testing.T) {
			upper := t.TempDir()
			require.NoError(t, c.make(upper))
			err := Diff(io.Discard, upper)
			require.ErrorIs(t, err, ErrNotDiffable)
			require.ErrorContains(t, err, c.says)
		})
	}
}

// A container that runs can put a link where a directory was. What Diff reads
// then goes into an image: it must not be the host's.
func TestDiffFollowsNoLinkThatTakesADirectorysPlace(t *testing.T) {
	needRoot(t)
	p := newPlace(t)
	require.NoError(t, os.MkdirAll(p.layer+"/d", 0o755))
	require.NoError(t, os.WriteFile(p.layer+"/d/secret", []byte("harmless"), 0o600))
	swapped := false
	out := writerFunc(func(b []byte) (int, error) { return len(b), nil })
	root, err := openRoot(p.layer)
	require.NoError(t, err)
	defer unix.Close(root)
	d := &differ{out: tar.NewWriter(out), names: map[inode]string{}}
	err = walk(root, "", func(f *found) error {
		if f.at == "d" && !swapped { // open by now: the link comes too late
			swapped = true
			require.NoError(t, os.Rename(p.layer+"/d", p.layer+"/e"))
			require.NoError(t, os.Symlink(p.outside, p.layer+"/d"))
		}
		if f.at == "d/secret" {
			file, err := f.openFile()
			require.NoError(t, err)
			defer file.Close()
			body, err := io.ReadAll(file)
			require.NoError(t, err)
			require.Equal(t, "harmless", string(body))
		}
		return d.visit(f)
	})
	require.NoError(t, err)
	require.True(t, swapped)
}

func TestDiffOpensNoFileThatALinkTookThePlaceOf(t *testing.T) {
	needRoot(t)
	p := newPlace(t)
	require.NoError(t, os.WriteFile(p.layer+"/f", []byte("harmless"), 0o600))
	root, err := openRoot(p.layer)
	require.NoError(t, err)
	defer unix.Close(root)
	for _, replace := range []func() error{
		func() error { return os.Symlink(p.outside+"/secret", p.layer+"/f") },
		func() error { return unix.Mkfifo(p.layer+"/f", 0o600) },
	} {
		err = walk(root, "", func(f *found) error {
			require.NoError(t, os.Remove(p.layer+"/f"))
			require.NoError(t, replace())
			_, err := f.openFile()
			return err
		})
		require.Error(t, err, "neither the host's file nor a wait for a writer")
	}
}

// A commit with --pause=false, of a container that goes on.
func TestWhatIsRemovedMeanwhileIsNotInTheLayer(t *testing.T) {
	needRoot(t)
	layer := applied(t, dir("d/"), file("d/f", ""), file("f", ""), hardlink("g", "f"), symlink("link", "f"), file("stays", ""))
	root, err := openRoot(layer)
	require.NoError(t, err)
	defer unix.Close(root)
	var out bytes.Buffer
	d := &differ{out: tar.NewWriter(&out), names: map[inode]string{}}
	require.NoError(t, walk(root, "", func(f *found) error {
		if f.at != "stays" && f.at != "g" {
			require.NoError(t, os.RemoveAll(layer+"/"+f.at))
		}
		return d.visit(f)
	}))
	require.NoError(t, d.out.Close())
	require.Equal(t, []string{"d/", "g", "stays"}, listed(t, &out), "the directory was open already")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestChangesAreTakenOffAllLayersBelow(t *testing.T) {
	needRoot(t)
	bottom := applied(t, dir("etc/"), file("etc/passwd", ""), file("etc/motd", ""), dir("opt/"), file("opt/x", ""), file("opt/y", ""),
		dir("opt/sub/"), file("opt/sub/z", ""), dir("gone/"), file("gone/x", ""), file("was-file", ""), file("before", ""))
	middle := applied(t, file(".wh.before", ""), file("etc/.wh.passwd", ""), file("opt/.wh.y", ""))
	upper := applied(t, dir("etc/"), file("etc/motd", "changed"), file("etc/passwd", "again"), file(".wh.gone", ""), file(".wh.before", ""),
		file("opt/.wh..wh..opq", ""), file("opt/x", "replaced"), file("opt/new", ""), file("new/.wh..wh..opq", ""), file("new/f", ""),
		dir("was-file/"), file("was-file/f", ""))
	require.Equal(t, "C /etc, C /etc/motd, A /etc/passwd, D /gone, A /new, A /new/f, C /opt, A /opt/new, D /opt/sub, C /opt/x, C /was-file, A /was-file/f",
		changesOf(t, upper, []string{middle, bottom}))

	none, err := Changes(t.TempDir(), []string{bottom})
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = Changes(upper, []string{"/no/such/layer"})
	require.ErrorIs(t, err, unix.ENOENT)
}
