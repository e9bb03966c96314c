package cgroups

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestTheCommandFindsItselfInItsCgroupsFromTheStart(t *testing.T) {
	notrace.Check(t)
	c := start(t, container("cat", "/proc/self/cgroup"))
	output, code := c.end(t)
	require.Zero(t, code)
	lines := 0
	for _, p := range c.group(t).places {
		for line := range strings.Lines(output) {
			if strings.HasSuffix(strings.TrimSpace(line), ":"+p.member) && (len(p.controllers) == 0 || strings.Contains(line, p.controllers[0])) {
				lines++
				break
			}
		}
	}
	require.Equal(t, places(t, c.spec), lines, output)
}

// The tests run on any thread; both ways into the group must work, from the
// process's first thread, and from another.
func TestTheChildIsBornInsideAndTheParentGoesHome(t *testing.T) {
	notrace.Check(t)
	system, err := Detect()
	require.NoError(t, err)
	s, p := container("true"), &namespaces.Process{}
	path, err := s.path()
	require.NoError(t, err)
	require.NoError(t, system.create(path))
	g := system.group(path)
	defer func() { require.NoError(t, g.Remove()) }()

	off(func() {
		before, err := memberships("/proc/thread-self/cgroup")
		require.NoError(t, err)
		require.NoError(t, siteOf(s).prepareBirth(p))
		child := exec.Command("sleep", "1000")
		if system.Version == 2 {
			child.SysProcAttr = &unix.SysProcAttr{UseCgroupFD: true, CgroupFD: int(p.Cgroup.Fd())}
		}
		require.NoError(t, child.Start())
		born, err := memberships("/proc/" + strconv.Itoa(child.Process.Pid) + "/cgroup")
		require.NoError(t, err)
		for _, place := range g.places {
			if system.Version == 1 {
				require.Equal(t, place.member, born[place.controllers[0]])
			} else {
				require.Equal(t, place.member, born[""])
			}
		}

		// While our thread is there for its visit, we are no process of the group,
		// and whoever kills it doesn't kill us.
		pids, err := g.Procs()
		require.NoError(t, err)
		require.Equal(t, []int{child.Process.Pid}, pids)

		require.NoError(t, siteOf(s).endBirth(p))
		require.NoError(t, siteOf(s).endBirth(p), "twice is no harm")
		require.Nil(t, p.Cgroup)
		after, err := memberships("/proc/thread-self/cgroup")
		require.NoError(t, err)
		require.Equal(t, before, after)
		require.NoError(t, g.Kill())
		require.Error(t, child.Wait())
	})
}

// off runs f on a thread that isn't the process's first.
func off(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	var done sync.WaitGroup
	done.Go(f)
	done.Wait()
}

func TestNoThreadOfOursStaysInTheGroup(t *testing.T) {
	notrace.Check(t)
	c := start(t, container("sleep", "1000"))
	tasks, err := filepath.Glob("/proc/self/task/*/cgroup")
	require.NoError(t, err)
	require.NotEmpty(t, tasks)
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // a thread that ended
		}
		require.NotContains(t, string(text), c.spec.ID)
	}
}

func TestWhoJoinsAContainerJoinsItsCgroup(t *testing.T) {
	notrace.Check(t)
	s := container("sleep", "1000")
	s.Namespaces = namespaces.New(namespaces.Mount, namespaces.PID, namespaces.Cgroup)
	c := start(t, s)

	path, err := PathOf(c.Pid)
	require.NoError(t, err)
	require.Equal(t, parent+"/"+s.ID, path)
	joining := container("sleep", "1000")
	joining.Target, joining.CgroupPath = c.Pid, path
	other := start(t, joining)
	pids, err := c.group(t).Procs()
	require.NoError(t, err)
	require.ElementsMatch(t, []int{c.Pid, other.Pid}, pids)

	require.NoError(t, namespaces.Undo(other.outside), "what joined goes alone")
	require.NotZero(t, places(t, s))
}

// The common parent comes with the first container and goes with the last;
// containers that start and end at the same time must not trip over that. They
// do it in a group of the test's own, lest other containers keep the parent.
func TestManyContainersComeAndGoAtOnce(t *testing.T) {
	notrace.Check(t)
	system, err := Detect()
	require.NoError(t, err)
	require.NoError(t, system.create("cooper-test"))
	defer func() { require.NoError(t, system.group("cooper-test").Remove()) }()
	within := System{Version: system.Version}
	for _, h := range system.Hierarchies {
		h.Mountpoint += "/cooper-test"
		within.Hierarchies = append(within.Hierarchies, h)
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 50 {
				path := parent + "/" + namespaces.NewID()
				if err := within.create(path); err != nil {
					t.Error(err)
					return
				}
				if err := within.group(path).Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for _, p := range within.group(parent).places {
		require.NoDirExists(t, p.dir, "the last one took the parent along")
	}
}

func TestAParentOfOthersIsLeftAlone(t *testing.T) {
	notrace.Check(t)
	system, err := Detect()
	require.NoError(t, err)
	require.NoError(t, system.create("cooper-test"))
	require.NoError(t, system.create("cooper-test/inner"))
	require.NoError(t, system.group("cooper-test/inner").Remove())
	g, err := Open("cooper-test")
	require.NoError(t, err)
	require.Len(t, g.places, len(system.Hierarchies))
	require.NoError(t, g.Remove())
	_, err = Open("cooper-test")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, g.Remove(), "twice is no harm")
}
