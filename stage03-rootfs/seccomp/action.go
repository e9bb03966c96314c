package seccomp

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Action is what a filter answers: what to do with the call, and in the lower
// 16 bits the errno. See seccomp(2).
type Action uint32

const (
	Allow       Action = unix.SECCOMP_RET_ALLOW
	KillThread  Action = unix.SECCOMP_RET_KILL_THREAD
	KillProcess Action = unix.SECCOMP_RET_KILL_PROCESS
	logged      Action = unix.SECCOMP_RET_LOG
	trap        Action = unix.SECCOMP_RET_TRAP

	noSuchCall = Action(unix.SECCOMP_RET_ERRNO) | Action(unix.ENOSYS)
)

// Errno is the error that the call fails with, 0 if the action is another.
func (a Action) Errno() unix.Errno {
	if a&^unix.SECCOMP_RET_DATA != unix.SECCOMP_RET_ERRNO {
		return 0
	}
	return unix.Errno(a & unix.SECCOMP_RET_DATA)
}

func (a Action) String() string {
	switch {
	case a.Permits():
		return "allowed"
	case a.Errno() != 0:
		return "fails with " + unix.ErrnoName(a.Errno())
	case a == KillProcess || a == KillThread:
		return "deadly"
	}
	return fmt.Sprintf("action %#x", uint32(a))
}

// Permits tells whether the call is made.
func (a Action) Permits() bool { return a == Allow || a == logged }

// maxErrno is the highest that the kernel hands to a program; it cuts off what
// is above.
const maxErrno = 4095

// parseAction reads an action, and its errno where it has one.
func parseAction(name string, errno *uint) (Action, error) {
	if errno != nil && name != "SCMP_ACT_ERRNO" {
		return 0, fmt.Errorf("action %s takes no errno", name)
	}
	switch name {
	case "SCMP_ACT_ALLOW":
		return Allow, nil
	case "SCMP_ACT_LOG":
		return logged, nil
	case "SCMP_ACT_TRAP":
		return trap, nil
	case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD":
		return KillThread, nil
	case "SCMP_ACT_KILL_PROCESS":
		return KillProcess, nil
	case "SCMP_ACT_ERRNO":
		number := uint(unix.EPERM)
		if errno != nil {
			number = *errno
		}
		if number > maxErrno {
			return 0, fmt.Errorf("errno %d: the highest is %d", number, maxErrno)
		}
		return Action(unix.SECCOMP_RET_ERRNO) | Action(number), nil
	case "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE":
		return 0, fmt.Errorf("action %s hands each call to another process, and this engine has none for that", name)
	}
	return 0, fmt.Errorf("unknown action %q", name)
}

// checkFlags refuses the flags of seccomp(2) that would change what a filter
// does and can't be told in it. The other two change nothing: with TSYNC other
// threads of the process get the filter too, and exec ends those; without
// SPEC_ALLOW old kernels ran programs more slowly.
func checkFlags(flags []string) error {
	for _, flag := range flags {
		switch flag {
		case "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW":
		case "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
			return fmt.Errorf("flag %s isn't supported", flag)
		default:
			return fmt.Errorf("unknown flag %q", flag)
		}
	}
	return nil
}
