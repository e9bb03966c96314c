package rootfs

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// hostileRoot is a root full of links, with a directory of the host beside it.
func hostileRoot(t *testing.T) (root *os.File, dir, outside string) {
	t.Helper()
	dir, outside = t.TempDir(), t.TempDir()
	for link, target := range map[string]string{
		"absolute":       outside,
		"relative":       "../../../../../../../../../.." + outside,
		"dotdot":         "..",
		"nowhere":        "/run/missing/dir",
		"resolv.conf":    "../run/systemd/resolve/stub",
		"chain":          "nowhere",
		"loop":           "loop2",
		"loop2":          "loop",
		"rootlink":       "/",
		"usr/absolute":   outside,
		"usr/lib/inside": "/usr",
	} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, link)), 0o755))
		require.NoError(t, os.Symlink(target, filepath.Join(dir, link)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	root, err := openAbsolute(dir, unix.O_PATH|unix.O_DIRECTORY)
	require.NoError(t, err)
	t.Cleanup(func() { root.Close() })
	return root, dir, outside
}

func TestWhatIsMissingIsMadeInsideTheRootWhateverTheLinksSay(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b/c":              "a/b/c",
		"a/b/c":               "a/b/c",
		"/../../../etc":       "etc",
		"/absolute/x":         "OUTSIDE/x", // the same path, inside
		"/relative/x":         "OUTSIDE/x",
		"/usr/absolute/x":     "OUTSIDE/x",
		"/dotdot/x":           "x",
		"/nowhere":            "run/missing/dir",
		"/nowhere/x":          "run/missing/dir/x",
		"/chain/x":            "run/missing/dir/x",
		"/rootlink/x":         "x",
		"/usr/lib/inside/new": "usr/new",
	} {
		t.Run(path, func(t *testing.T) {
			root, dir, outside := hostileRoot(t)
			made, err := makeDir(root, path)
			require.NoError(t, err)
			defer made.Close()
			if rest, isOutside := cutOutside(want); isOutside {
				want = filepath.Join(outside, rest)
			}
			requireSame(t, filepath.Join(dir, want), made)
			requireEmpty(t, outside)
		})
	}
}

func cutOutside(path string) (string, bool) {
	const mark = "OUTSIDE/"
	if len(path) < len(mark) || path[:len(mark)] != mark {
		return path, false
	}
	return path[len(mark):], true
}

func TestAFileIsMadeThroughALinkToNowhere(t *testing.T) {
	root, dir, _ := hostileRoot(t)
	made, err := makeFile(root, "/resolv.conf")
	require.NoError(t, err)
	defer made.Close()
	requireSame(t, filepath.Join(dir, "run/systemd/resolve/stub"), made)
	again, err := makeFile(root, "/resolv.conf")
	require.NoError(t, err, "a second time it is there")
	again.Close()
}

func TestPathsThatCanNotBeAreErrors(t *testing.T) {
	root, _, outside := hostileRoot(t)
	for path, errno := range map[string]error{
		"/loop/x": unix.ELOOP, "/loop": unix.ELOOP, "/file/x": unix.ENOTDIR,
	} {
		_, err := makeDir(root, path)
		require.ErrorIs(t, err, errno, path)
	}
	requireEmpty(t, outside)
}

// S02: a magic link is a door to wherever a descriptor of ours points.
func TestMagicLinksAreRefused(t *testing.T) {
	root, err := openAbsolute("/", unix.O_PATH|unix.O_DIRECTORY)
	require.NoError(t, err)
	defer root.Close()
	for _, path := range []string{"/proc/self/root", "/proc/self/cwd/etc", "/proc/thread-self/fd/0", "/proc/self/exe"} {
		_, err := openInRoot(root, path, unix.O_PATH)
		require.ErrorIs(t, err, unix.ELOOP, path)
	}
}

func TestAnOrdinaryDirectoryIsNoLink(t *testing.T) {
	root, dir, _ := hostileRoot(t)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o755))
	require.NoError(t, os.Symlink("real", filepath.Join(dir, "proc")))
	file, err := openOrdinaryDir(root, "/real")
	require.NoError(t, err)
	file.Close()
	_, err = openOrdinaryDir(root, "/proc")
	require.Error(t, err)
}

func requireSame(t *testing.T, path string, file *os.File) {
	t.Helper()
	var want unix.Stat_t
	require.NoError(t, unix.Lstat(path, &want))
	have, err := fstat(file)
	require.NoError(t, err)
	require.Equal(t, want.Ino, have.Ino, "opened something else than %s", path)
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if path != dir {
			t.Errorf("made outside the root: %s", path)
		}
		return err
	}))
}
