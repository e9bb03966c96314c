package shim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cooper/stage03-rootfs"
	"cooper/stage07-cli/shim/state"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The step comes after the clone, which joins, and before the release.
func TestTheTargetsAreCheckedAgainBeforeTheChildIsLetGo(t *testing.T) {
	s := &supervisor{job: &Job{Layout: state.Layout{Root: t.TempDir()}}}
	steps, err := s.outside()
	require.NoError(t, err)
	for _, step := range steps {
		require.NotEqual(t, "cli/recheck_target", step.Name, "there is nobody to check")
	}

	me, err := state.Identify(os.Getpid())
	require.NoError(t, err)
	stale := me
	stale.Start-- // of a process that had the pid before
	for _, c := range []struct {
		targets []state.Task
		want    error
	}{
		{[]state.Task{me, me}, nil},
		{[]state.Task{me, stale}, unix.ESRCH},
	} {
		s.job.Targets = c.targets
		steps, err := s.outside()
		require.NoError(t, err)
		step := steps[len(steps)-2]
		require.Equal(t, "cli/recheck_target", step.Name)
		require.Equal(t, "namespaces/send_spec", steps[len(steps)-1].Name)
		require.ErrorIs(t, step.Do(), c.want)
	}
}

// The child opens it when the check is over, and whose the pid is by then
// nobody knows.
func TestAMountNamespaceIsHeldUntilTheStartIsOver(t *testing.T) {
	s := &supervisor{job: &Job{}}
	s.spec.Mounts = []rootfs.Mount{
		{Type: "tmpfs", Destination: "/tmp"},
		{Type: "bind", Source: "/dev/shm", Destination: "/dev/shm", Namespace: "/proc/self/ns/mnt"},
	}
	release, err := s.holdMounts()
	require.NoError(t, err)
	held := s.spec.Mounts[1].Namespace
	require.Empty(t, s.spec.Mounts[0].Namespace)
	require.True(t, strings.HasPrefix(held, "/proc/"), held)
	require.Equal(t, "fd", filepath.Base(filepath.Dir(held)))
	var ours, theirs unix.Stat_t
	require.NoError(t, unix.Stat("/proc/self/ns/mnt", &ours))
	require.NoError(t, unix.Stat(held, &theirs))
	require.Equal(t, ours.Ino, theirs.Ino)
	release()
	require.ErrorIs(t, unix.Stat(held, &theirs), unix.ENOENT)

	s.spec.Mounts[1].Namespace = "/proc/4194304/ns/mnt" // a pid that there can't be
	_, err = s.holdMounts()
	require.ErrorContains(t, err, "mount on /dev/shm")
}
