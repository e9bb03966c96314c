package unionfs

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Both ways to merge leave out what an opaque root hides, as a container does.
func TestMergedLayersEndAtAnOpaqueRoot(t *testing.T) {
	notrace.Check(t)
	var layers []string // topmost first
	for _, name := range []string{"top", "middle", "bottom"} {
		dir := filepath.Join(t.TempDir(), "a:b,"+name) // characters that options are parsed by
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
		layers = append(layers, dir)
	}
	hide := func(dir string) {
		fd, err := openRoot(dir)
		require.NoError(t, err)
		defer unix.Close(fd)
		require.NoError(t, makeOpaque(fd))
	}
	require.Equal(t, []string{"bottom", "middle", "top"}, merged(t, layers))
	hide(layers[1])
	require.Equal(t, []string{"middle", "top"}, merged(t, layers))
	require.Equal(t, []string{"middle", "top"}, mergedAt(t, layers))
	hide(layers[0])
	require.Equal(t, []string{"top"}, merged(t, layers))
}

func merged(t *testing.T, layers []string) []string {
	root, err := Merge(layers)
	if errors.Is(err, unix.EINVAL) { // a kernel before 6.7
		return mergedAt(t, layers)
	}
	require.NoError(t, err)
	defer root.Close()
	if root.Name() != "merged layers" {
		return mergedNames(t, root) // a layer alone
	}
	require.ErrorIs(t, os.WriteFile("/proc/thread-self/fd/"+strconv.Itoa(int(root.Fd()))+"/new", nil, 0o644), unix.EROFS)
	return mergedNames(t, root)
}

func mergedAt(t *testing.T, layers []string) (names []string) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/mnt")
		require.NoError(t, err)
		defer home.Close()
		require.NoError(t, unix.Unshare(unix.CLONE_NEWNS|unix.CLONE_FS))
		defer func() { require.NoError(t, unix.Setns(int(home.Fd()), unix.CLONE_NEWNS)) }() // and the thread ends here
		require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		require.NoError(t, MergeAt(layers, layers[0]))
		root, err := os.Open(layers[0])
		require.NoError(t, err)
		defer root.Close()
		names = mergedNames(t, root)
	}()
	<-done
	return names
}

func mergedNames(t *testing.T, dir *os.File) (names []string) {
	entries, err := os.ReadDir("/proc/thread-self/fd/" + strconv.Itoa(int(dir.Fd())))
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
