package rootfs

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage03-rootfs/seccomp"

	"golang.org/x/sys/unix"
)

// filter is the Spec's seccomp filter on its way to the kernel.
type filter struct {
	spec    *Spec
	program seccomp.Program
}

// check lays the program out in memory, and refuses one below which the child
// couldn't become the command. Without this check such a container would fail
// without a word, or hang: a filter that kills one thread leaves the others of a
// Go program waiting for it for ever.
func (f *filter) check() (err error) {
	if f.program, err = seccomp.Decode(f.spec.SeccompFilter); err != nil {
		return err
	}
	for _, needed := range namespaces.SealedCalls(f.spec.Base()) {
		call, err := seccomp.Native(needed.Number, needed.Args...)
		if err != nil {
			return err
		}
		if action := f.program.Judge(call); !action.Permits() {
			return fmt.Errorf("the profile forbids %s, with which %s: there it is %s: %w", needed.Name, needed.Why, action, unix.EPERM)
		}
	}
	return nil
}

// load has the kernel run the filter at every system call of this thread, and
// of all that come after it: a filter survives exec, and can't be taken off.
// Other threads go on without; the exec ends them.
//
// Loading is for those who can't gain privileges by it: a setuid program whose
// calls fail in ways that its author never saw is a weapon. So the kernel asks
// for no_new_privs, or else for CAP_SYS_ADMIN, which was kept for this (see
// lentTo) and ends with the exec.
func (f *filter) load() error {
	if err := raise(lentTo(f.spec)); err != nil {
		return err
	}
	namespaces.Pin() // where the profile forbids futex(2), Go's scheduler would crash
	argument := unix.SockFprog{Len: uint16(len(f.program)), Filter: &f.program[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&argument)))
	runtime.KeepAlive(f)
	if errno != 0 {
		return os.NewSyscallError("seccomp SECCOMP_SET_MODE_FILTER", errno)
	}
	return nil
}

// lentTo is the capability that the container's process needs for loading its
// filter, and keeps until then although it shouldn't have it. It isn't in the
// bounding set, and so the exec takes it away: see capabilities(7) on how a
// process's sets change there. A capset behind the filter would do it earlier,
// but then every profile would have to permit capset.
func lentTo(s *Spec) capabilitySet {
	if len(s.SeccompFilter) == 0 || s.NoNewPrivileges {
		return 0
	}
	return 1 << unix.CAP_SYS_ADMIN
}
