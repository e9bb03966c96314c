package engine_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"
	"cooper/stage07-cli/engine"
	"cooper/stage07-cli/shim/state"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What a kill -9 of each of the three processes leaves, and what the next
// command says.

func TestTheContainerOutlivesItsClient(t *testing.T) {
	b := newBench(t)
	// It goes on writing: to a pipe whose reader is dead.
	cmd := b.spawnClient(t, "sh", "-c", "echo ready; while :; do echo more; sleep 0.05; done")
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.True(t, b.state(t, "victim").Running)

	follow := newTap()
	go func() { _ = b.Logs(t.Context(), "victim", engine.LogsOptions{Follow: true, Tail: 0, Out: follow}) }()
	follow.await(t, "more\nmore\n")

	out := newTap()
	s, err := b.Attach(t.Context(), "victim", engine.Streams{Out: out})
	require.NoError(t, err)
	a := &attended{Session: s, out: out, ended: make(chan result, 1)}
	go a.wait()
	out.await(t, "more")
	require.NoError(t, b.Kill(t.Context(), "victim", "KILL"))
	require.Equal(t, 137, a.end(t).code)
}

// S01: the shim joins containers, and for a moment a process that may trace
// another can reach the shim's binary there. While a program runs the kernel
// lets nobody write to it (ETXTBSY); this one is safe when it has ended, too.
func TestTheShimsBinaryCanNotBeOverwritten(t *testing.T) {
	b := newBench(t)
	id := b.started(t, options("sleep", "1000"))
	file, err := os.OpenFile(filepath.Join("/proc", strconv.Itoa(b.state(t, id).ShimPid), "exe"), os.O_WRONLY, 0)
	if err == nil {
		file.Close()
	}
	require.ErrorIs(t, err, unix.EROFS)
}

func TestTheContainerDiesWithItsShim(t *testing.T) {
	b := newBench(t)
	o := options("sleep", "1000")
	o.Name = "web"
	id := b.started(t, o)
	before := b.state(t, id)
	init, err := state.Identify(before.Pid)
	require.NoError(t, err)

	require.NoError(t, unix.Kill(before.ShimPid, unix.SIGKILL))
	awaitEnd(t, before.ShimPid)
	awaitEnd(t, before.Pid)
	require.False(t, init.Alive(), "the kernel has killed it")

	list, err := b.List(true)
	require.NoError(t, err)
	require.Equal(t, "exited", list[0].State)
	after := b.state(t, id)
	require.Equal(t, 137, after.ExitCode)
	require.Contains(t, after.Error, "shim died")
	code, err := b.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, 137, code)
	require.NoDirExists(t, filepath.Join(b.run, id))
	removed, err := b.Cleanup(t.Context())
	require.NoError(t, err)
	require.Empty(t, removed, "ps has healed it")

	_, err = b.Start(t.Context(), "web", engine.StartOptions{})
	require.NoError(t, err)
	require.NoError(t, b.Remove(t.Context(), "web", engine.RemoveOptions{Force: true}))
}

// Without a pid namespace of its own only the container's first process ends
// with the shim. Whatever command is next, it ends the others.
func TestWhatASharedPIDNamespaceKeepsAliveEndsWithTheNextCommand(t *testing.T) {
	b := newBench(t)
	donor := b.donor(t, "true", func(*engine.CreateOptions) {})
	for _, mode := range []string{"host", "container:" + donor} {
		o := options("sh", "-c", "sleep 1000 & setsid sleep 1000 & echo ready; wait")
		o.Sharing.PID = mode
		a := b.attend(t, o, engine.Streams{})
		a.out.await(t, "ready")
		require.NoError(t, a.Detach())
		require.Equal(t, "detached", a.end(t).err)
		before := b.state(t, a.ID)
		var others []state.Task
		for _, task := range tasksOf(t, "cooper/"+a.ID) {
			if task.Pid != before.Pid {
				others = append(others, task)
			}
		}
		require.GreaterOrEqual(t, len(others), 2, mode)
		b.open(t)
		require.True(t, b.state(t, a.ID).Running, "a living one is left alone: %s", mode)

		require.NoError(t, unix.Kill(before.ShimPid, unix.SIGKILL))
		awaitEnd(t, before.ShimPid)
		_, err := unix.Wait4(before.Pid, nil, 0, nil) // it is ours by now, and the pid namespace waits for it
		require.NoError(t, err)
		for _, task := range others {
			require.True(t, task.Alive(), "nobody has told the kernel: %s", mode)
		}
		b.open(t)
		for _, task := range others {
			require.False(t, task.Alive(), mode)
		}
		require.Equal(t, 137, b.state(t, a.ID).ExitCode)
		require.NoDirExists(t, filepath.Join(b.run, a.ID))
	}
	require.True(t, b.state(t, donor).Running)
}

// A client that is attached hears of it at once.
func TestASessionEndsWhatItsShimLeftAlive(t *testing.T) {
	b := newBench(t)
	o := options("sh", "-c", "sleep 1000 & setsid sleep 1000 & echo ready; wait")
	o.Sharing.PID = "host"
	a := b.attend(t, o, engine.Streams{})
	a.out.await(t, "ready")
	tasks := tasksOf(t, "cooper/"+a.ID)
	require.GreaterOrEqual(t, len(tasks), 3)
	require.NoError(t, unix.Kill(b.state(t, a.ID).ShimPid, unix.SIGKILL))
	require.Equal(t, 137, a.end(t).code)
	for _, task := range tasks {
		require.False(t, task.Alive())
	}
}

func TestAContainerThatRemovesItselfIsGoneAfterItsShimDied(t *testing.T) {
	b := newBench(t)
	o := options("sleep", "1000")
	o.Name, o.AutoRemove = "brief", true
	o.Mounts = []engine.Mount{{Type: "volume", Destination: "/data"}}
	id := b.started(t, o)
	pid := b.state(t, id).ShimPid
	require.NoError(t, unix.Kill(pid, unix.SIGKILL))
	awaitEnd(t, pid)
	list, err := b.List(true)
	require.NoError(t, err)
	require.Empty(t, list)
	volumes, err := b.Volumes()
	require.NoError(t, err)
	require.Empty(t, volumes)
	_, err = b.Create(t.Context(), o)
	require.NoError(t, err, "the name is free")
}

func TestTheDeathOfTheFirstProcessIsRecorded(t *testing.T) {
	b := newBench(t)
	id := b.started(t, options("sleep", "1000"))
	require.NoError(t, unix.Kill(b.state(t, id).Pid, unix.SIGKILL))
	code, err := b.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, 137, code)
	after := b.state(t, id)
	require.Equal(t, "exited", after.Status)
	require.False(t, after.OOMKilled)
}

// A shim that is stopped answers nobody; force must get through all the same.
func TestForceRemovesAContainerWhoseShimHangs(t *testing.T) {
	b := newBench(t)
	id := b.started(t, options("sleep", "1000"))
	require.NoError(t, unix.Kill(b.state(t, id).ShimPid, unix.SIGSTOP))
	require.NoError(t, b.Remove(t.Context(), id, engine.RemoveOptions{Force: true}))
	_, err := b.Inspect(id)
	require.ErrorIs(t, err, engine.ErrNotFound)
}

// The record names a pid that another process has by now.
func TestAForeignProcessIsNeverSignalled(t *testing.T) {
	b := newBench(t)
	id := b.started(t, options("true"))
	_, err := b.Wait(t.Context(), id)
	require.NoError(t, err)

	stranger := exec.Command("sleep", "1000")
	require.NoError(t, stranger.Start())
	defer func() {
		require.NoError(t, stranger.Process.Kill())
		_ = stranger.Wait()
	}()
	real, err := state.Identify(stranger.Process.Pid)
	require.NoError(t, err)
	stale := real
	stale.Start-- // of a process that had the pid before
	dir := filepath.Join(b.root, "containers", id)
	require.NoError(t, state.WriteJSON(dir, state.StatusFile, state.Status{Run: 2, Shim: stale, Init: &stale, StartedAt: time.Now()}, state.Volatile))

	require.ErrorIs(t, b.Kill(t.Context(), id, "KILL"), engine.ErrNotRunning)
	require.NoError(t, b.Stop(t.Context(), id, nil))
	require.NoError(t, b.Remove(t.Context(), id, engine.RemoveOptions{Force: true}))
	require.True(t, real.Alive(), "the stranger lives")
}

func TestARestartOfTheHostIsSaid(t *testing.T) {
	b := newBench(t)
	id := b.started(t, options("true"))
	_, err := b.Wait(t.Context(), id)
	require.NoError(t, err)
	me, err := state.Identify(os.Getpid())
	require.NoError(t, err)
	me.Boot = "00000000-0000-0000-0000-000000000000"
	dir := filepath.Join(b.root, "containers", id)
	require.NoError(t, state.WriteJSON(dir, state.StatusFile, state.Status{Run: 2, Shim: me, Init: &me, StartedAt: time.Now()}, state.Volatile))
	after := b.state(t, id)
	require.Equal(t, 255, after.ExitCode)
	require.Equal(t, "the host was restarted", after.Error)
	_, err = b.Start(t.Context(), id, engine.StartOptions{})
	require.NoError(t, err)
}

// awaitEnd waits until a process that isn't our child is gone.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH || err == unix.EINVAL { // as state.Task.Open
		return
	}
	require.NoError(t, err)
	defer unix.Close(pidfd)
	require.True(t, notrace.Ends(pidfd, 10*time.Second), "process %d goes on", pid)
}
