package engine_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"
	"cooper/stage07-cli/shim/state"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What a container may try against the engine, and what the engine must not do
// to others.

// S04. Abstract sockets belong to the network namespace: a container with the
// host's could connect to any that the shim had (CVE-2020-15257).
func TestTheShimHasNoAbstractSocket(t *testing.T) {
	b := newBench(t)
	o := options("sleep", "1000")
	o.Network = "host"
	id := b.started(t, o)
	bound := socketNames(t, b.state(t, id).ShimPid)
	require.NotEmpty(t, bound)
	for _, name := range bound {
		require.False(t, strings.HasPrefix(name, "@"), name)
	}
}

// socketNames lists what the unix sockets of a process are bound to; see
// /proc/net/unix in proc_pid_net(5). An abstract name begins with "@" there.
func socketNames(t *testing.T, pid int) (names []string) {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(t, err)
	inodes := map[string]bool{}
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && strings.HasPrefix(target, "socket:[") {
			inodes[strings.Trim(target, "socket:[]")] = true
		}
	}
	table, err := os.ReadFile("/proc/net/unix")
	require.NoError(t, err)
	for line := range strings.Lines(string(table)) {
		if fields := strings.Fields(line); len(fields) == 8 && inodes[fields[6]] {
			names = append(names, fields[7])
		}
	}
	return names
}

// S20. With the host's pid namespace no process is killed by the end of PID 1:
// the container's processes are those of its cgroup, and nobody else's end.
func TestWithTheHostsPidsOnlyTheContainersEnd(t *testing.T) {
	b := newBench(t)
	stranger := exec.Command("sleep", "1000")
	require.NoError(t, stranger.Start())
	defer func() {
		require.NoError(t, stranger.Process.Kill(), "it lives still")
		_ = stranger.Wait()
	}()
	o := options("sh", "-c", "sleep 1000 & setsid sleep 1000 & echo ready; wait")
	o.Sharing.PID = "host"
	s := b.attend(t, o, engine.Streams{})
	s.out.await(t, "ready")
	tasks := tasksOf(t, "cooper/"+s.ID)
	require.GreaterOrEqual(t, len(tasks), 2)
	require.NoError(t, b.Remove(t.Context(), s.ID, engine.RemoveOptions{Force: true}))
	for _, task := range tasks {
		require.False(t, task.Alive(), "%d", task.Pid)
	}
	require.NoError(t, unix.Kill(stranger.Process.Pid, 0))
}

func tasksOf(t *testing.T, path string) (tasks []state.Task) {
	group, err := cgroups.Open(path)
	require.NoError(t, err)
	pids, err := group.Procs()
	require.NoError(t, err)
	for _, pid := range pids {
		task, err := state.Identify(pid)
		require.NoError(t, err)
		tasks = append(tasks, task)
	}
	return tasks
}

// S23
func TestAForkBombHoldsNobodyUp(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	// It fills its number and stays; one that goes on and on is stage 2's test.
	o := options("sh", "-c", "trap '' TERM; (while :; do sleep 1000 & done) 2>/dev/null; exec sleep 1000")
	o.Limits.Pids = 64
	id := b.started(t, o)
	group, err := cgroups.Open("cooper/" + id)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		stats, err := group.Stats()
		return err == nil && stats.Pids.Current > 60
	}, 20*time.Second, 10*time.Millisecond, "it has burst")
	stats, err := group.Stats()
	require.NoError(t, err)
	require.LessOrEqual(t, stats.Pids.Current, uint64(64))
	begin := time.Now()
	list, err := b.List(false)
	require.NoError(t, err)
	require.Len(t, list, 1)
	t.Logf("ps under a fork bomb: %v", time.Since(begin))
	begin = time.Now()
	require.NoError(t, b.Remove(t.Context(), id, engine.RemoveOptions{Force: true}))
	t.Logf("rm -f of a fork bomb: %v", time.Since(begin))
}

// S24
func TestWhoIsKilledForMemoryIsTold(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	const bomb = "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"
	for _, c := range []struct {
		name, script string
		code         int
	}{
		{"the command itself", bomb, 137},
		{"one that it started", "(" + bomb + "); exit 5", 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options("sh", "-c", c.script)
			o.Limits.Memory = 16 << 20
			id := b.started(t, o)
			shim := b.state(t, id).ShimPid
			code, err := b.Wait(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, c.code, code)
			after := b.state(t, id)
			require.True(t, after.OOMKilled)
			require.Empty(t, after.Error, "the shim %d has seen the end itself", shim)
		})
	}
}

// S28
func TestAFloodOfOutputIsBoundedOnDiskAndInMemory(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	for _, c := range []struct{ name, script string }{
		{"lines", "yes aaaaaaaa | head -c 20000000"},
		{"one line without an end", "head -c 20000000 /dev/zero | tr '\\0' a"},
		{"bytes that are no text", "head -c 20000000 /dev/urandom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options("sh", "-c", c.script+"; echo; echo the end; sleep 1000")
			o.Log = engine.LogOptions{MaxSize: 1 << 20, MaxFiles: 2}
			flood := &flood{end: "the end\n", came: make(chan struct{})}
			s, err := b.Run(t.Context(), o, engine.StartOptions{Attach: &engine.Streams{Out: flood, Err: flood}})
			require.NoError(t, err)
			go func() { _, _ = s.Wait() }()
			<-flood.came
			id := s.ID
			require.Equal(t, 20_000_000, flood.bytes-len("\n"+flood.end), "whoever listens gets all of it")
			logs, err := filepath.Glob(filepath.Join(b.root, "containers", id, "log*"))
			require.NoError(t, err)
			require.Len(t, logs, 2)
			for _, log := range logs {
				info, err := os.Stat(log)
				require.NoError(t, err)
				require.LessOrEqual(t, info.Size(), int64(1<<20+1<<17), "a file ends with a whole record")
			}
			require.Less(t, anonymousMemory(t, b.state(t, id).ShimPid), 20<<20)
			require.NoError(t, b.Remove(t.Context(), id, engine.RemoveOptions{Force: true}))
		})
	}
}

// flood counts what comes until its end comes.
type flood struct {
	end   string
	came  chan struct{}
	bytes int
	tail  string
}

func (f *flood) Write(p []byte) (int, error) {
	f.bytes += len(p)
	f.tail += string(p[max(0, len(p)-len(f.end)):])
	f.tail = f.tail[max(0, len(f.tail)-len(f.end)):]
	if f.tail == f.end {
		close(f.came)
	}
	return len(p), nil
}

// anonymousMemory is what a process has to itself, in bytes.
func anonymousMemory(t *testing.T, pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	_, after, found := bytes.Cut(text, []byte("RssAnon:"))
	require.True(t, found)
	kilobytes, err := strconv.Atoi(string(bytes.Fields(after)[0]))
	require.NoError(t, err)
	return kilobytes << 10
}
