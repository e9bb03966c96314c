package flock

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A process that is called so locks a file, says so, and waits for its input to end.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "hold" {
		file, err := os.Open(os.Args[2])
		if err != nil || Lock(file) != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString("mine\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// held has another process lock the file until release is called.
func held(t *testing.T, path string) (pid int, release func()) {
	other := exec.Command(os.Args[0], "hold", path)
	in, err := other.StdinPipe()
	require.NoError(t, err)
	out, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	said := make([]byte, 5)
	_, err = out.Read(said)
	require.NoError(t, err)
	require.Equal(t, "mine\n", string(said))
	return other.Process.Pid, func() { in.Close() }
}

func open(t *testing.T) *os.File {
	file, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

func TestWhoWaitsIsToldForWhomAndThenHasTheLock(t *testing.T) {
	for name, lock := range map[string]func(*os.File) error{"alone": Lock, "shared": Share} {
		file := open(t)
		pid, release := held(t, file.Name())
		require.Equal(t, pid, holder(file))
		require.ErrorIs(t, Try(file), unix.EWOULDBLOCK)

		type wait struct {
			path   string
			holder int
		}
		told := make(chan wait, 1)
		OnWait = func(path string, holder int) {
			told <- wait{path, holder}
			release()
		}
		require.NoError(t, lock(file), name)
		require.Equal(t, wait{file.Name(), pid}, <-told, name)
		require.Equal(t, os.Getpid(), holder(file), name)
	}
	OnWait = func(string, int) {}
}

func TestALockGoesWithItsHolderHoweverHeEnds(t *testing.T) {
	file := open(t)
	pid, _ := held(t, file.Name())
	got := make(chan error)
	go func() { got <- Lock(file) }()
	require.NoError(t, unix.Kill(pid, unix.SIGKILL))
	require.NoError(t, <-got)
}

func TestALockIsSharedByThoseWhoShareIt(t *testing.T) {
	file := open(t)
	require.NoError(t, Share(file))
	other, err := os.Open(file.Name())
	require.NoError(t, err)
	defer other.Close()
	require.ErrorIs(t, Try(other), unix.EWOULDBLOCK)
	require.NoError(t, Share(other))
}

func TestAWaitEndsWithItsContextAndTheLockThatStillComesIsGivenBack(t *testing.T) {
	file := open(t)
	path := file.Name()
	_, release := held(t, path)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := context.DeadlineExceeded
	cancel(enough)
	require.ErrorIs(t, LockContext(ctx, file), enough)
	require.NoError(t, file.Close())
	release()
	again, err := os.Open(path)
	require.NoError(t, err)
	defer again.Close()
	require.NoError(t, Lock(again), "or it would wait for ever")
	require.NoError(t, LockContext(ctx, again), "what is to be had is had")
}

// As soon as the waiter has the lock its context ends: that is no reason to take
// the lock away from it.
func TestALockThatCameStaysWhenItsContextEnds(t *testing.T) {
	for range 300 {
		holder := open(t)
		require.NoError(t, Lock(holder))
		file, err := os.Open(holder.Name())
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		came := make(chan error)
		go func() {
			err := LockContext(ctx, file)
			cancel()
			came <- err
		}()
		require.NoError(t, holder.Close())
		require.NoError(t, <-came)
		other, err := os.Open(file.Name())
		require.NoError(t, err)
		require.ErrorIs(t, Try(other), unix.EWOULDBLOCK)
		require.NoError(t, errors.Join(other.Close(), file.Close()))
	}
}

func TestNobodyIsSeenToHoldALockThatIsFree(t *testing.T) {
	file := open(t)
	require.Zero(t, holder(file))
	require.NoError(t, file.Close())
	require.Zero(t, holder(file))
	require.ErrorIs(t, Lock(file), unix.EBADF)
}

func TestAFileThatWasRemovedOrReplacedHasItsNameNoMore(t *testing.T) {
	file := open(t)
	require.True(t, Named(file))
	require.NoError(t, os.Rename(file.Name(), file.Name()+".old"))
	require.False(t, Named(file))
	require.NoError(t, os.WriteFile(file.Name(), nil, 0o600))
	require.False(t, Named(file))
	require.NoError(t, os.Remove(file.Name()))
	require.NoError(t, os.Symlink(file.Name()+".old", file.Name()))
	require.False(t, Named(file), "through a link isn't by its name")
}
