package unionfs

import (
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestRemoveTakesTheWholeTreeAndFollowsNoLink(t *testing.T) {
	top := t.TempDir()
	outside := filepath.Join(top, "outside")
	tree := filepath.Join(top, "tree")
	require.NoError(t, os.MkdirAll(outside, 0o755))
	require.NoError(t, os.WriteFile(outside+"/kept", nil, 0o600))
	require.NoError(t, os.MkdirAll(tree+"/a/b", 0o755))
	for n := range 3000 {
		require.NoError(t, os.WriteFile(filepath.Join(tree, "a", "file-"+string(rune('a'+n%26))+filepath.Base(t.Name())+string(rune(0x4e00+n))), nil, 0o600))
	}
	require.NoError(t, os.Symlink(outside, tree+"/a/b/link"))
	require.NoError(t, os.Symlink("..", tree+"/up"))

	require.NoError(t, Remove(tree))
	require.NoDirExists(t, tree)
	require.FileExists(t, outside+"/kept")
	require.NoError(t, Remove(tree), "what isn't there is removed")
	require.NoError(t, Remove(filepath.Join(top, "no", "such", "parent")))
}

func TestRemoveTakesALinkAndNotWhatItNames(t *testing.T) {
	top := t.TempDir()
	require.NoError(t, os.WriteFile(top+"/kept", nil, 0o600))
	require.NoError(t, os.Symlink(top, top+"/link"))
	require.NoError(t, Remove(top+"/link/"))
	require.FileExists(t, top+"/kept")
	require.NoFileExists(t, top+"/link")
}

func TestRemoveGoesDeeperThanAnyPathCanName(t *testing.T) {
	top := t.TempDir()
	const levels = 6000 // a path ends at 4096 bytes, a process at so many descriptors
	fd, err := openRoot(top)
	require.NoError(t, err)
	for range levels {
		require.NoError(t, unix.Mkdirat(fd, "d", 0o700))
		next, err := unix.Openat(fd, "d", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		require.NoError(t, err)
		unix.Close(fd)
		fd = next
	}
	unix.Close(fd)
	var before, few unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	few = unix.Rlimit{Cur: 512, Max: before.Max}
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before)) }()
	require.NoError(t, Remove(top+"/d"))
	require.NoDirExists(t, top+"/d")
}

// R30: a volume that is still bound into a container's root.
func TestRemoveStopsAtAMount(t *testing.T) {
	notrace.Check(t)
	top := t.TempDir()
	volume, tree := filepath.Join(top, "volume"), filepath.Join(top, "tree")
	require.NoError(t, os.Mkdir(volume, 0o755))
	require.NoError(t, os.WriteFile(volume+"/data", []byte("years of work"), 0o600))
	require.NoError(t, os.MkdirAll(tree+"/mnt", 0o755))
	require.NoError(t, unix.Mount(volume, tree+"/mnt", "", unix.MS_BIND, ""))
	t.Cleanup(func() { _ = unix.Unmount(tree+"/mnt", unix.MNT_DETACH) })

	err := Remove(tree)
	require.ErrorIs(t, err, unix.EXDEV)
	require.ErrorContains(t, err, "mnt is a mount point")
	require.Equal(t, "years of work", slurp(t, volume+"/data"))
	require.Error(t, Remove(tree+"/mnt"), "not even when it is named itself")
	require.FileExists(t, volume+"/data")

	require.NoError(t, unix.Unmount(tree+"/mnt", 0))
	require.NoError(t, Remove(tree))
	require.FileExists(t, volume+"/data")
}

func TestATreeIsRemovedBySeveralAtOnce(t *testing.T) {
	for range 5 {
		dir := filepath.Join(t.TempDir(), "tree")
		for i := range 50 {
			require.NoError(t, os.MkdirAll(filepath.Join(dir, strconv.Itoa(i), "a", "b"), 0o755))
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if err := Remove(dir); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		require.NoDirExists(t, dir)
	}
}
