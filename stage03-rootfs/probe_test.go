package rootfs

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// probeName is what argv[0] is of the test binary when it runs in a container,
// to try system calls there.
const probeName = "system-call-probe"

// attempt is one system call that is tried. Its arguments are such that it does
// no harm where nobody forbids it.
type attempt struct {
	name   string
	number uintptr
	args   [3]uintptr
	want   unix.Errno // below the default filter; 0 is anything that a filter wouldn't say
}

// S14: two dozen calls, and some numbers that are none.
func attempts() []attempt {
	const nowhere = ^uintptr(0) // a pointer or a descriptor that leads nowhere
	eperm, enosys := unix.EPERM, unix.ENOSYS
	return []attempt{
		{"keyctl", unix.SYS_KEYCTL, [3]uintptr{0, nowhere}, eperm},
		{"add_key", unix.SYS_ADD_KEY, [3]uintptr{nowhere, nowhere}, eperm},
		{"request_key", unix.SYS_REQUEST_KEY, [3]uintptr{nowhere, nowhere}, eperm},
		{"unshare", unix.SYS_UNSHARE, [3]uintptr{unix.CLONE_NEWUSER}, eperm},
		{"mount", unix.SYS_MOUNT, [3]uintptr{nowhere, nowhere, nowhere}, eperm},
		{"umount2", unix.SYS_UMOUNT2, [3]uintptr{nowhere}, eperm},
		{"setns", unix.SYS_SETNS, [3]uintptr{nowhere}, eperm},
		{"pivot_root", unix.SYS_PIVOT_ROOT, [3]uintptr{nowhere, nowhere}, eperm},
		{"bpf", unix.SYS_BPF, [3]uintptr{nowhere, nowhere, 8}, eperm},
		{"open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, [3]uintptr{nowhere, nowhere}, eperm},
		{"io_uring_setup", unix.SYS_IO_URING_SETUP, [3]uintptr{1, nowhere}, eperm},
		{"userfaultfd", unix.SYS_USERFAULTFD, [3]uintptr{nowhere}, eperm},
		{"perf_event_open", unix.SYS_PERF_EVENT_OPEN, [3]uintptr{nowhere}, eperm},
		{"kexec_load", unix.SYS_KEXEC_LOAD, [3]uintptr{0, nowhere, nowhere}, eperm},
		{"finit_module", unix.SYS_FINIT_MODULE, [3]uintptr{nowhere, nowhere}, eperm},
		{"fsopen", unix.SYS_FSOPEN, [3]uintptr{nowhere, nowhere}, eperm},
		{"move_mount", unix.SYS_MOVE_MOUNT, [3]uintptr{nowhere, nowhere, nowhere}, eperm},
		{"clock_settime", unix.SYS_CLOCK_SETTIME, [3]uintptr{nowhere, nowhere}, eperm},
		{"personality(ADDR_NO_RANDOMIZE)", unix.SYS_PERSONALITY, [3]uintptr{0x40000}, eperm},
		{"personality(158)", unix.SYS_PERSONALITY, [3]uintptr{158}, eperm},
		{"personality(161)", unix.SYS_PERSONALITY, [3]uintptr{161}, eperm},
		{"socket(AF_VSOCK)", unix.SYS_SOCKET, [3]uintptr{unix.AF_VSOCK, unix.SOCK_STREAM}, eperm},
		{"socket(AF_ALG)", unix.SYS_SOCKET, [3]uintptr{unix.AF_ALG, unix.SOCK_SEQPACKET}, eperm},
		{"clone3", unix.SYS_CLONE3, [3]uintptr{nowhere, 88}, enosys},
		{"a call of tomorrow", 999, [3]uintptr{}, enosys},
		{"a call of x32", 1<<30 + unix.SYS_GETPID, [3]uintptr{}, enosys},
		{"socket(AF_INET)", unix.SYS_SOCKET, [3]uintptr{unix.AF_INET, unix.SOCK_STREAM}, 0},
		{"personality(PER_LINUX)", unix.SYS_PERSONALITY, [3]uintptr{0}, 0},
		{"personality(ask)", unix.SYS_PERSONALITY, [3]uintptr{0xffffffff}, 0},
		{"ptrace", unix.SYS_PTRACE, [3]uintptr{nowhere}, 0},
		// S15: namespaces by another way than unshare.
		{"clone(CLONE_NEWUSER)", unix.SYS_CLONE, [3]uintptr{unix.CLONE_NEWUSER | unix.CLONE_THREAD}, eperm},
		{"unshare(CLONE_NEWCGROUP)", unix.SYS_UNSHARE, [3]uintptr{unix.CLONE_NEWUSER | unix.CLONE_NEWCGROUP | unix.CLONE_NEWNS}, eperm},
	}
}

// probe is the program in the container: it tells of each attempt.
func probe() {
	runtime.LockOSThread()
	status, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		fmt.Println(err)
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "Seccomp") || strings.HasPrefix(line, "NoNewPrivs") {
			fmt.Print(line)
		}
	}
	for _, a := range attempts() {
		_, _, errno := unix.Syscall6(a.number, a.args[0], a.args[1], a.args[2], 0, 0, 0)
		if a.want == 0 && errno != unix.EPERM && errno != unix.ENOSYS || a.name == "ptrace" && errno != unix.ENOSYS {
			errno = 0 // what the kernel itself says of such arguments
		}
		fmt.Printf("%s: %d\n", a.name, errno)
	}
}

// expected is what the probe says below the default filter.
func expected(noNewPrivileges int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "NoNewPrivs:\t%d\nSeccomp:\t2\nSeccomp_filters:\t1\n", noNewPrivileges)
	for _, a := range attempts() {
		fmt.Fprintf(&text, "%s: %d\n", a.name, a.want)
	}
	return strings.TrimSuffix(text.String(), "\n")
}

// withProbe lets a container find the test binary.
func withProbe(s *Spec) *Spec {
	s.Args = []string{"sh", "-c", "exec -a " + probeName + " /probe"}
	s.Mounts = append(append(s.Mounts, loader()...), Mount{Type: "bind", Source: executable(), Destination: "/probe", Options: []string{"ro"}})
	return s
}

func executable() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// S13, S14 and S15, with and without no_new_privs, as root and as another user,
// with an init and without.
func TestTheDefaultFilterHoldsEveryContainer(t *testing.T) {
	notrace.Check(t)
	for _, c := range []struct {
		user      string
		forbidden bool
		init      bool
	}{{}, {user: "1000"}, {forbidden: true}, {user: "1000", forbidden: true, init: true}, {init: true}} {
		s := withProbe(box(t))
		s.User, s.NoNewPrivileges, s.Init = c.user, c.forbidden, c.init
		want := 0
		if c.forbidden {
			want = 1
		}
		require.Equal(t, expected(want), says(t, s), "%+v", c)
	}
}

// S15 with a program of one thread, and from the other side: who renounces the
// filter gets the user namespace.
func TestAUserNamespaceIsMadeOnlyWithoutTheFilter(t *testing.T) {
	notrace.Check(t)
	s := shell(t, "unshare -U true 2>&1 && echo made")
	output, _ := run(t, s)
	require.Equal(t, "unshare: unshare(0x10000000): Operation not permitted\n", output)
	s.SeccompFilter = nil
	require.Equal(t, "made", says(t, s))
}

// The capability that loading a filter takes must not reach the command.
func TestNothingIsLeftOfTheCapabilityThatLoadsTheFilter(t *testing.T) {
	notrace.Check(t)
	for _, user := range []string{"", "1000"} {
		s := shell(t, "grep -E '^Cap|^Seccomp:' /proc/self/status")
		s.User = user
		filtered := says(t, s)
		require.Contains(t, filtered, "Seccomp:\t2")
		s.SeccompFilter = nil
		require.Equal(t, strings.Replace(says(t, s), "Seccomp:\t0", "Seccomp:\t2", 1), filtered)
	}
}

// S14 for a command that joins later.
func TestTheFilterHoldsAJoiningCommandToo(t *testing.T) {
	notrace.Check(t)
	first := withProbe(box(t))
	probe := first.Args
	pid := stay(t, first)

	for _, user := range []string{"", "1000"} {
		s := joining(first, pid, probe...)
		s.User = user
		require.Equal(t, expected(0), says(t, s), "user %q", user)
	}
}
