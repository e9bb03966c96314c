package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// loadAsProcess loads what comes on standard input, and publishes it by one
// thread: strace counts the calls of each thread apart.
func loadAsProcess(dir string) {
	runtime.LockOSThread()
	s, err := OpenStore(dir)
	if err == nil {
		_, err = s.Load(context.Background(), os.Stdin, nil)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func TestAFullDiskStopsALoadWhereverItIsAndIsFreedAgain(t *testing.T) {
	notrace.Check(t)
	here := newStore(t)
	put(t, here, "big", put(t, here, "base", nil, "x=1"), "big="+noise(3_000_000))
	archive := saved(t, here, "big")
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	s, err := OpenStore(dir)
	require.NoError(t, err)
	before := contents(t, s)
	for _, size := range []string{"1m", "2m", "3m", "5m"} { // in the blob, or in the files that it unpacks to
		require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size="+size))
		_, err = s.Load(context.Background(), bytes.NewReader(archive), nil)
		require.ErrorIs(t, err, unix.ENOSPC, size)
		require.Equal(t, before, contents(t, s), size)
	}
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=20m"))
	require.Equal(t, []string{"big:latest"}, loaded(t, s, archive)[0].Names)
}

func TestALoadThatIsKilledInItsReadingLeavesNothingWithAName(t *testing.T) {
	here := newStore(t)
	put(t, here, "app", nil, "x="+noise(2_000_000))
	archive := saved(t, here, "app")
	for _, part := range []int{20, 50, 90, 100} {
		s := newStore(t)
		load := exec.Command(os.Args[0], "load", s.Dir())
		pipe := must(load.StdinPipe())
		require.NoError(t, load.Start())
		_, err := pipe.Write(archive[:len(archive)*part/100-2048]) // the tar's end has yet to come
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			return len(must(filepath.Glob(s.path("ingest", "*")))) > 0
		}, 20*time.Second, time.Millisecond)
		require.NoError(t, load.Process.Kill())
		_ = load.Wait()
		require.Empty(t, must(s.List()))
		require.Empty(t, must(os.ReadDir(s.path("blobs", "sha256"))))
		require.NoError(t, s.Collect())
		requireClean(t, s)
		loaded(t, s, archive)
	}
}

// Killed at each call that publishes, until there is none left to be killed at.
func TestALoadThatIsKilledInItsPublishingHasAllOfTheImageOrNothing(t *testing.T) {
	notrace.NeedTool(t, "strace")
	here := newStore(t)
	img := put(t, here, "app", put(t, here, "base", nil, "x=1"), "x=2")
	archive := saved(t, here, "app", "base")
	for call, atLeast := range map[string]int{
		"syncfs":    1,
		"renameat2": 0, // on machines that have only this one
		"renameat":  9, // trees, layers, configs and manifests of two images, and the index
		"fsync":     4, // the two directories, the index and its own
	} {
		killed := 0
		for ; killedLoading(t, archive, img, call, killed+1); killed++ {
			require.Less(t, killed, 50)
		}
		require.GreaterOrEqual(t, killed, atLeast, call)
	}
}

// killedLoading has a load killed as it makes the nth call of the kind, and looks
// at what there is then; or it loads to its end, having made fewer.
func killedLoading(t *testing.T, archive []byte, img *Image, call string, n int) bool {
	s := newStore(t)
	load := exec.Command("strace", "-f", "-qqq", "-o", "/dev/null", "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", call, n),
		os.Args[0], "load", s.Dir())
	load.Stdin = bytes.NewReader(archive)
	out, err := load.CombinedOutput()
	if err == nil {
		return false
	}
	var killed *exec.ExitError
	require.True(t, errors.As(err, &killed), string(out))
	found, err := s.Find("app")
	if err == nil {
		require.Equal(t, img.ID, found.ID)
		require.NoError(t, s.Check(t.Context(), found))
		require.Equal(t, "2", readLayerFile(t, s, found, "x"))
	} else {
		require.ErrorIs(t, err, ErrNotFound, "at %s %d", call, n)
	}
	loaded(t, s, archive)
	require.NoError(t, s.Collect())
	requireClean(t, s)
	require.Equal(t, archive, saved(t, s, "app", "base"))
	return true
}
