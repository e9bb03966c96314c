package cgroups

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// quiet reports whether nothing comes out of a pipe for a while.
func quiet(t *testing.T, pipe *os.File, long time.Duration) bool {
	t.Helper()
	return poll(int(pipe.Fd()), unix.POLLIN, time.Now().Add(long)) == unix.EBUSY
}

func TestAFrozenContainerStandsStillAndGoesOnWhenThawed(t *testing.T) {
	notrace.Check(t)
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	s := container("sh", "-c", "while :; do echo alive; done")
	p := &namespaces.Process{Stdout: writer}
	outside := Outside(s, p)
	require.NoError(t, namespaces.Launch(p, outside))
	writer.Close()
	defer func() {
		require.NoError(t, namespaces.Undo(outside))
		require.NoError(t, p.Close())
	}()
	g, err := siteOf(s).group()
	require.NoError(t, err)

	require.NoError(t, g.Freeze())
	frozen, err := g.Frozen()
	require.NoError(t, err)
	require.True(t, frozen)
	drain(t, reader)
	require.True(t, quiet(t, reader, 200*time.Millisecond))

	require.NoError(t, g.Thaw())
	frozen, err = g.Frozen()
	require.NoError(t, err)
	require.False(t, frozen)
	require.False(t, quiet(t, reader, 10*time.Second))

	require.NoError(t, g.Freeze(), "and what is frozen can be killed: Undo does it")
}

// drain reads what a pipe holds.
func drain(t *testing.T, pipe *os.File) {
	t.Helper()
	for buffer := make([]byte, 1<<16); poll(int(pipe.Fd()), unix.POLLIN, time.Now()) == nil; {
		_, err := pipe.Read(buffer)
		require.NoError(t, err)
	}
}

func TestNoneEscapesAKillByForking(t *testing.T) {
	notrace.Check(t)
	// Both sides of each fork go on: whoever isn't on the list of pids that was
	// read a moment ago carries on the line. A shell that can't fork would end,
	// and the bomb burn out by itself, without any kill; not so within an eval
	// that is called by command.
	const line = `go() { while :; do command eval "(go) & sleep 0.01" 2>/dev/null; done; }; (go) & (go) & exec sleep 1000`
	s := container("sh", "-c", line)
	s.Limits.Pids = 40
	c := start(t, s)
	for stats := (Stats{}); stats.Pids.Current < 30; {
		var err error
		stats, err = c.group(t).Stats()
		require.NoError(t, err)
		require.NoError(t, unix.Kill(c.Pid, 0))
	}
	require.NoError(t, c.group(t).Kill())
	require.NoError(t, c.group(t).Remove())
	_, code := c.end(t)
	require.Equal(t, 137, code)
	require.Zero(t, places(t, c.spec))
}

func TestGroupsMadeInsideGoToo(t *testing.T) {
	notrace.Check(t)
	c := start(t, container("sleep", "1000"))
	g := c.group(t)
	inner := filepath.Join(g.home(), "inner", "most")
	require.NoError(t, os.MkdirAll(inner, 0o755))
	require.NoError(t, write(inner, "cgroup.procs", strconv.Itoa(c.Pid)))
	pids, err := g.Procs()
	require.NoError(t, err)
	require.Equal(t, []int{c.Pid}, pids)
	require.NoError(t, g.Destroy())
	require.Zero(t, places(t, c.spec))
}

// In version 1 who is frozen doesn't die, and it isn't enough to thaw the
// container's own group.
func TestWhoIsFrozenInAGroupInsideIsKilledToo(t *testing.T) {
	notrace.Check(t)
	c := start(t, container("sleep", "1000"))
	g := c.group(t)
	inner := *g
	inner.places = []place{{dir: filepath.Join(g.home(), "inner"), controllers: []string{"freezer"}}}
	require.NoError(t, os.Mkdir(inner.home(), 0o755))
	require.NoError(t, write(inner.home(), "cgroup.procs", strconv.Itoa(c.Pid)))
	require.NoError(t, inner.Freeze())
	require.NoError(t, g.Destroy())
	require.Zero(t, places(t, c.spec))
}

// A kernel of version 2 before Linux 5.14 has no cgroup.kill; version 1 never.
func TestAGroupIsKilledWithoutCgroupKill(t *testing.T) {
	notrace.Check(t)
	c := start(t, container("sh", "-c", "sleep 1000 & exec sleep 1000"))
	require.NoError(t, c.group(t).killOneByOne())
	require.NoError(t, c.group(t).Remove())
	require.Zero(t, places(t, c.spec))
}

func TestRemoveWaitsForTheLastProcess(t *testing.T) {
	notrace.Check(t)
	c := start(t, container("sleep", "1000"))
	done := make(chan error, 1)
	go func() { done <- c.group(t).Remove() }()
	select {
	case err := <-done:
		t.Fatal("removed a group with a process in it:", err)
	case <-time.After(100 * time.Millisecond):
	}
	require.NoError(t, c.Signal(unix.SIGKILL))
	require.NoError(t, <-done)
	require.Zero(t, places(t, c.spec))
}

func TestTheOutputOfAnEndedContainerIsWhole(t *testing.T) {
	notrace.Check(t)
	c := start(t, container("sh", "-c", "echo one; echo two >&2; exit 3"))
	output, code := c.end(t)
	require.Equal(t, 3, code)
	require.Equal(t, "one\ntwo\n", output)
	require.NoError(t, c.group(t).Remove(), "a group without processes goes at once")
}

// The example in the chapter: the process of another group is seen by the
// event, not by looking again and again.
func TestAnEventIsWaitedForInVersionTwo(t *testing.T) {
	dir := fake(t, map[string]string{"cgroup.events": "populated 0\nfrozen 0\n"})
	require.NoError(t, awaitEvent(dir, "populated 0"))
	require.NoError(t, awaitEvent(filepath.Join(dir, "gone"), "populated 0"))
}

func TestAPollEndsWithItsDeadline(t *testing.T) {
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	require.ErrorIs(t, poll(int(reader.Fd()), unix.POLLIN, time.Now().Add(time.Millisecond)), unix.EBUSY)
	_, err = io.Copy(writer, bytes.NewReader([]byte("x")))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	require.NoError(t, poll(int(reader.Fd()), unix.POLLIN, time.Now().Add(time.Second)))
}
