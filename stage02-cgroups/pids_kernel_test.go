package cgroups

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAForkBombFillsItsOwnGroupOnly(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", "i=0; while [ $i -lt 50 ]; do sleep 1000 & i=$((i+1)); done")
	s.Limits.Pids = 20
	c := start(t, s)
	output, code := c.end(t)
	require.NotZero(t, code)
	require.Contains(t, output, "fork")
	stats, err := c.group(t).Stats()
	require.NoError(t, err)
	require.LessOrEqual(t, stats.Pids.Current, uint64(20))
	require.GreaterOrEqual(t, stats.Pids.Current, uint64(15))
	require.EqualValues(t, 20, stats.Pids.Limit)
}

// S23: the bomb itself. At every look it is no larger than its group may be,
// and we, outside, still make processes; until it has met its limit. How long it
// goes on from there is the shell's affair: some give up when a fork fails.
func TestAForkBombNeverGetsBeyondItsLimit(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", `bomb() { bomb & while :; do sleep 0.01 || :; bomb & done; }; (bomb) & exec sleep 1000`)
	s.Limits.Pids = 64
	c := start(t, s)
	g := c.group(t)
	dir, _ := g.dir("pids")
	require.Eventually(t, func() bool {
		events, err := readTable(dir, "pids.events")
		require.NoError(t, err)
		pids, err := g.Procs()
		require.NoError(t, err)
		require.LessOrEqual(t, len(pids), 64)
		require.NoError(t, exec.Command("true").Run())
		return events["max"] > 0
	}, time.Minute, time.Millisecond, "it is refused")
	require.NoError(t, g.Destroy())
	require.Zero(t, places(t, s))
}

func TestTheSmallestPidsLimitsAreEnoughToBeBorn(t *testing.T) {
	notrace.Check(t)
	for _, pids := range []int64{minPids, minPids, minPids, 1, 1, 1, 1, 1} {
		s := container("echo", "born")
		s.Limits.Pids = pids
		output, code := start(t, s).end(t)
		require.Zero(t, code)
		require.Equal(t, "born\n", output)
	}
}

// The command is alone: of the child's threads, none is left.
func TestACommandHasItsPidsLimitFromTheBeginning(t *testing.T) {
	notrace.Check(t)
	for range 5 {
		s := container("cat")
		s.Limits.Pids = 1
		dir := pidsDir(t, s)
		s.Args = append(s.Args, dir+"/pids.max", dir+"/pids.current")
		output, code := start(t, s).end(t)
		require.Zero(t, code)
		require.Equal(t, "1\n1\n", output)
	}
}

func TestBeyondASmallPidsLimitAForkIsRefused(t *testing.T) {
	notrace.Check(t)
	for pids, code := range map[int64]int{1: 2, 2: 0} {
		s := container("sh", "-c", "/bin/true; exit 0")
		s.Limits.Pids = pids
		c := start(t, s)
		output, got := c.end(t)
		require.Equal(t, code, got, output)
		dir, _ := c.group(t).dir("pids")
		events, err := readTable(dir, "pids.events")
		require.NoError(t, err)
		require.Equal(t, code != 0, events["max"] > 0, "refused with EAGAIN")
	}
}

// The child fails behind its limit, where it can't make a thread for saying so.
func TestACommandThatCannotBeExecutedIsToldBehindTheLimit(t *testing.T) {
	notrace.Check(t)
	s := container("/no/such/command")
	s.Limits.Pids = 1
	p := &namespaces.Process{}
	err := namespaces.Launch(p, Outside(s, p))
	require.EqualError(t, err, "namespaces/exec: exec /no/such/command: no such file or directory")
	require.Equal(t, namespaces.ExitNotFound, namespaces.ExitCode(err))
	require.Zero(t, places(t, s))
}

func TestAnInitTakesMoreThanASmallPidsLimit(t *testing.T) {
	s := container("true")
	s.Init, s.Limits.Pids = true, minPids-1
	require.EqualError(t, s.Validate(), "pids limit of 7: use at least 8 with an init, which takes that many itself, or do without the init")
	p := &namespaces.Process{}
	require.ErrorContains(t, namespaces.Launch(p, Outside(s, p)), "cgroups/create: pids limit of 7")
	s.Limits.Pids = minPids
	require.NoError(t, s.Validate())
}

func TestOnlyASmallPidsLimitWaits(t *testing.T) {
	l := Limits{Pids: 3, Unified: map[string]string{"pids.max": "60"}}
	require.False(t, l.fewPids())
	require.EqualValues(t, 3, l.forBirth().Pids)
	require.EqualValues(t, minPids, Limits{Pids: 3}.forBirth().Pids)
	require.EqualValues(t, minPids+1, Limits{Pids: minPids + 1}.forBirth().Pids)
	require.EqualValues(t, Unlimited, Limits{Pids: Unlimited}.forBirth().Pids)
}

// Who joins is a Go program until its exec, and would die of a full group with a
// page of its runtime on the command's standard error.
func TestJoiningAFullContainerIsRefused(t *testing.T) {
	notrace.Check(t)
	s := container("sleep", "1000")
	s.Limits.Pids = 1
	c := start(t, s)
	joining := container("echo", "joined")
	joining.Target, joining.CgroupPath = c.Pid, c.group(t).Path()
	join := func() error {
		p := &namespaces.Process{}
		return namespaces.Launch(p, Outside(joining, p))
	}
	err := join()
	require.EqualError(t, err, "cgroups/clone_into_cgroup: the container has 1 of at most 1 processes and threads, and one that joins needs 8 more for a moment: raise its pids limit first: resource temporarily unavailable")
	require.NoError(t, c.group(t).Update(Limits{Pids: minPids}))
	require.ErrorIs(t, join(), unix.EAGAIN)
	for _, pids := range []int64{minPids + 1, Unlimited} {
		require.NoError(t, c.group(t).Update(Limits{Pids: pids}))
		output, code := start(t, joining).end(t)
		require.Zero(t, code)
		require.Equal(t, "joined\n", output)
	}
}

// Its parent is killed while the child waits for its last limit.
func TestKillingTheParentOfAWaitingChildLeavesNothing(t *testing.T) {
	notrace.Check(t)
	s := container("sleep", "1000")
	s.Limits.Pids, s.OutliveParent = 1, true
	text, err := json.Marshal(s)
	require.NoError(t, err)
	parent := exec.Command("/proc/self/exe", waitingParent, string(text))
	parent.Stderr = os.Stderr
	output, err := parent.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, parent.Start())
	var pid int
	_, err = fmt.Fscan(output, &pid)
	require.NoError(t, err)
	pidfd, err := unix.PidfdOpen(pid, 0)
	require.NoError(t, err)
	defer unix.Close(pidfd)
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	require.True(t, notrace.Ends(pidfd, 10*time.Second))
	require.NoError(t, namespaces.Undo(Outside(s, &namespaces.Process{})))
	require.Zero(t, places(t, s))
}

// waitingParent is what this program is called as the parent that is killed.
const waitingParent = "launch-and-wait"

func launchAndWait(text string) {
	s := &Spec{}
	if err := json.Unmarshal([]byte(text), s); err != nil {
		panic(err)
	}
	p := &namespaces.Process{}
	steps := Outside(s, p)
	steps[len(steps)-1].Do = func() error {
		return p.BeforeExec(func() error {
			fmt.Println(p.Pid)
			for {
				_ = unix.Pause() // a "select {}" Go would take for a deadlock, and end by itself
			}
		})
	}
	panic(namespaces.Launch(p, steps))
}

// pidsDir is where a container's pids limit will be.
func pidsDir(t *testing.T, s *Spec) string {
	t.Helper()
	path, err := s.path()
	require.NoError(t, err)
	system, err := Detect()
	require.NoError(t, err)
	dir, _ := system.group(path).dir("pids")
	return dir
}
