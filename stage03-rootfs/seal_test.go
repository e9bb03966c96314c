package rootfs

import (
	"fmt"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// strict is what we need, and a tiny program.
var strict = []string{"write", "execve", "exit_group",
	"brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "readlink", "readlinkat", "getrandom", "mprotect", "prctl",
	"newfstatat", "getuid", "getgid", "setgid", "setuid"}

// A profile that allows nothing but what a tiny program needs still works,
// since nothing else is done behind the filter.
func TestAStrictProfileNeedsToPermitHardlyAnything(t *testing.T) {
	notrace.Check(t)
	for _, action := range []string{"SCMP_ACT_ERRNO", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD"} {
		s := box(t, "/bin/busybox", "true")
		s.User, s.SeccompFilter = "1000", profile(t, action, strict...)
		_, code := run(t, s)
		require.Zero(t, code, action)
	}
}

// linger calls a function for far longer than the 10 ms that Go's scheduler
// gives to each goroutine. It makes no system call, not even for the time.
func linger() error {
	for n := range 1 << 25 {
		if odd(n) && n < 0 {
			return unix.ERANGE
		}
	}
	return nil
}

// odd is large enough to look for the scheduler, as functions do when they begin.
//
//go:noinline
func odd(n int) bool {
	var page [64]int
	page[n%len(page)] = n
	return page[n/2%len(page)]%2 == 1
}

// Not even when the child is slow does Go's scheduler come in, to wake another
// thread with futex(2).
func TestNothingComesBetweenTheSealAndTheExec(t *testing.T) {
	notrace.Check(t)
	for _, action := range []string{"SCMP_ACT_ERRNO", "SCMP_ACT_KILL_THREAD"} {
		s := meddle(box(t, "/bin/busybox", "true"), "linger behind the seal")
		s.SeccompFilter = profile(t, action, strict...)
		_, code := run(t, s)
		require.Zero(t, code, action)
	}
}

// The last of the limits comes behind the filter: the child must be able to read.
func TestAFilterAndASmallPidsLimitGoTogether(t *testing.T) {
	notrace.Check(t)
	s := shell(t, "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null; true; exec true")
	s.Limits.Pids = 2
	require.Equal(t, "2", says(t, s))

	s = box(t, "/bin/busybox", "true")
	s.Limits.Pids, s.SeccompFilter = 1, profile(t, "SCMP_ACT_KILL_THREAD", append(strict, "read")...)
	_, code := run(t, s)
	require.Zero(t, code)
	s.SeccompFilter = profile(t, "SCMP_ACT_KILL_THREAD", strict...)
	require.ErrorContains(t, refused(t, s), "rootfs/check_filter: the profile forbids read, with which a container waits for the last of its limits")
}

func TestAProfileThatForbidsTheExecIsRefused(t *testing.T) {
	notrace.Check(t)
	for _, c := range []struct {
		init    bool
		permits []string
		want    string
	}{
		{false, []string{"write", "exit_group"}, "the profile forbids execve, with which every container begins"},
		{false, []string{"execve", "exit_group"}, "the profile forbids write, with which a container tells that it starts"},
		{false, []string{"execve", "write"}, "the profile forbids exit_group"},
		{true, []string{"execve", "write", "exit_group"}, "the profile forbids execveat, with which the init begins"},
		{true, []string{"execve", "write", "exit_group", "execveat", "mmap"}, "the profile forbids rt_sigprocmask, with which the init receives signals"},
	} {
		for _, action := range []string{"SCMP_ACT_ERRNO", "SCMP_ACT_KILL_THREAD"} {
			s := box(t, "true")
			s.Init, s.SeccompFilter = c.init, profile(t, action, c.permits...)
			err := refused(t, s)
			require.ErrorContains(t, err, "rootfs/check_filter: "+c.want)
			require.ErrorIs(t, err, unix.EPERM)
		}
	}
	s := box(t, "true")
	s.SeccompFilter = []byte("no filter")
	require.ErrorContains(t, refused(t, s), "rootfs/check_filter: read seccomp filter")
}

// profile permits some calls, and does this with all others.
func profile(t *testing.T, action string, permitted ...string) []byte {
	text := fmt.Sprintf(`{"defaultAction": %q, "syscalls": [{"names": ["%s"], "action": "SCMP_ACT_ALLOW"}]}`, action, strings.Join(permitted, `", "`))
	filter, err := LoadSeccomp(text, nil)
	require.NoError(t, err)
	return filter
}
