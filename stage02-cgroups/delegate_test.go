package cgroups

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asUser skips a test that root can't run, nor a user to whom nothing was
// delegated. The virtual machine has one to whom something was. notrace is for
// root alone; a user can leave a trace here only.
func asUser(t *testing.T) System {
	t.Helper()
	system, err := Detect()
	require.NoError(t, err)
	if system.Hierarchies[0].Delegated == "" {
		t.Skip("wants a user with a delegated cgroup")
	}
	t.Cleanup(func() {
		require.NoDirExists(t, filepath.Join(system.Hierarchies[0].Mountpoint, parent), "it left a trace")
	})
	return system
}

func TestAUsersContainerIsInWhatWasDelegated(t *testing.T) {
	system := asUser(t)
	s := container("sleep", "1000")
	s.Limits = Limits{Memory: 64 * mib, Pids: 50}
	c := start(t, s)
	g := c.group(t)
	require.Equal(t, filepath.Join(system.Hierarchies[0].Mountpoint, parent, s.ID), g.home())
	require.Equal(t, system.Hierarchies[0].Delegated, s.CgroupTop)
	pids, err := g.Procs()
	require.NoError(t, err)
	require.Equal(t, []int{c.Pid}, pids)
	stats, err := g.Stats()
	require.NoError(t, err)
	require.EqualValues(t, 64*mib, stats.Memory.Limit)
	require.EqualValues(t, 50, stats.Pids.Limit)
	require.NoError(t, g.Freeze())
	require.NoError(t, g.Thaw())

	own, err := memberships("/proc/self/cgroup")
	require.NoError(t, err)
	require.Equal(t, filepath.Join("/", system.Hierarchies[0].Delegated, leaf), own[""], "we aren't in the way")
}

// Directories of files will do for the way up.
func TestTheTopIsTheUppermostDirectoryThatIsOurs(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("everything is root's")
	}
	dir := fake(t, map[string]string{"cgroup.procs": "", "cgroup.subtree_control": ""})
	require.True(t, isOurs(dir))
	require.NoError(t, os.Chmod(filepath.Join(dir, "cgroup.procs"), 0o444))
	require.False(t, isOurs(dir))
}

// S20: only the container's processes end, also where it sees all others.
func TestOnlyTheGroupsProcessesAreKilled(t *testing.T) {
	system := asUser(t)
	bystander := exec.Command("sleep", "1000")
	require.NoError(t, bystander.Start())
	defer func() { require.Error(t, errors.Join(bystander.Process.Kill(), bystander.Wait())) }()
	c := start(t, container("sh", "-c", "setsid sleep 1000 & setsid sleep 1000 & exec sleep 1000"))
	require.NoError(t, c.group(t).Destroy())
	_, code := c.end(t)
	require.Equal(t, 137, code)
	require.Zero(t, places(t, c.spec))
	require.NoError(t, bystander.Process.Signal(unix.Signal(0)), "%v", system)
}

func TestASystemBelowAGroupHasThatForItsTop(t *testing.T) {
	top := t.TempDir()
	system := System{2, []Hierarchy{{Mountpoint: top, Root: "/"}}}
	require.Equal(t, system, system.below(""))
	below := system.below("user.slice/user@1000.service")
	require.Equal(t, top+"/user.slice/user@1000.service", below.Hierarchies[0].Mountpoint)
	require.Equal(t, "/user.slice/user@1000.service/cooper/1", below.group("cooper/1").places[0].member)

	spec := container("true")
	spec.CgroupTop = "user.slice/user@1000.service"
	dir := top + "/user.slice/user@1000.service/cooper/" + spec.ID
	require.NoError(t, os.MkdirAll(dir, 0o755))
	dirs, err := system.Dirs(spec)
	require.NoError(t, err)
	require.Equal(t, []string{dir}, dirs)
}

func TestAUserEntersAGroupThroughGroupsOfHisOwnOnly(t *testing.T) {
	container := place{dir: "/sys/fs/cgroup/user.slice/user@1000.service/cooper/1", member: "/user.slice/user@1000.service/cooper/1"}
	for own, want := range map[string]string{
		"/user.slice/session-1.scope":                   "/sys/fs/cgroup/user.slice",
		"/user.slice/user@1000.service":                 "/sys/fs/cgroup/user.slice/user@1000.service",
		"/user.slice/user@1000.service/supervisor":      "/sys/fs/cgroup/user.slice/user@1000.service",
		"/user.slice/user@1000.service/cooper/1":        container.dir,
		"/user.slice/user@1000.service/cooper/1/nested": container.dir,
		"/user.slice/user@1000.service/cooper/12":       "/sys/fs/cgroup/user.slice/user@1000.service/cooper",
		"/": "/sys/fs/cgroup", "/system.slice/x.service": "/sys/fs/cgroup", "/../elsewhere": "/sys/fs/cgroup",
	} {
		require.Equal(t, want, commonAbove(container, own), own)
	}
}

func TestWhoMayHaveNoGroupDoesWithoutUnlessHeAsksForALimit(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may have groups")
	}
	s := container("true")
	m := &making{site: siteOf(s)}
	require.NoError(t, m.explainDenied(unix.EACCES))
	s.Limits.Pids = 50
	require.ErrorIs(t, m.explainDenied(unix.EACCES), unix.EACCES)
	require.ErrorContains(t, m.explainDenied(unix.EACCES), "delegated")
	require.ErrorIs(t, m.explainDenied(unix.EINVAL), unix.EINVAL)

	system, err := Detect()
	require.NoError(t, err)
	dirs, err := system.Dirs(s)
	require.NoError(t, err)
	require.Empty(t, dirs, "none is made, none is shown")
}
