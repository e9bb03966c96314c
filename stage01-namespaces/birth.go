package namespaces

import (
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A birth is one clone and one exec, with a setns in front when namespaces are
// joined:
//
//	parent ──clone3(new namespaces)──▶ child ──execveat(our own binary)──▶ Init
//
//	parent ──clone3()──▶ door ──setns(…)──clone3(CLONE_PARENT)──▶ child ──▶ Init
//	                       └─ tells the parent the child's pid, and ends
//
// Joining needs the process in between, the door: setns(2) refuses a user
// namespace, a time namespace, and without more ado a mount namespace to any
// process with several threads, as every Go program is; and a joined pid
// namespace takes in only the children of whoever joined. A bare clone copies
// just the calling thread, so the door is single-threaded, and CLONE_PARENT
// makes the child ours and not the door's.
//
// A container may be hostile, and from the second clone on it can see the child
// in its pid namespace, which is still a copy of us: our memory, and copies of
// all our descriptors (CVE-2016-9962). So the door, which it can't see, first
//
//   - makes itself non-dumpable, and with it the child. Then nobody may attach
//     to it or read its memory and descriptors who lacks CAP_SYS_PTRACE over the
//     user namespace of that memory, which is ours until the exec; see
//     PTRACE_ATTACH and "access mode checking" in ptrace(2).
//   - closes every descriptor that the child won't need. That also holds
//     against a container in our own user namespace with CAP_SYS_PTRACE, whom no
//     setting can keep out: there is nothing of the host's to find.
//
// The exec gives the child a fresh memory, dumpable again and of the joined
// user namespace. Init closes it once more before anything else, and all that
// it has by then is the container's own. What can't be held is this: who has
// CAP_SYS_PTRACE in a container's pid namespace may attach to a process that
// joins it before that process has been confined. Giving away CAP_SYS_PTRACE
// together with confinement that it could overcome is a mistake.
//
// Why not os/exec? It can't join, can't be born into a time namespace
// (CLONE_NEWTIME exists only for clone3), and it would hide the act that this
// stage is about.
//
// Between clone and exec the copy must not use Go's runtime: no other thread
// exists there that could collect garbage or grow a stack. So everything is
// prepared in this struct beforehand, and the child only makes raw system calls.
type birth struct {
	clone cloneArgs // of the child
	door  cloneArgs // of the door
	joins [9]join   // pid namespace or all: in this order; flag 0 ends the list

	inherit [mappedFD + 1]int32 // what becomes descriptor 0, 1, 2, specFD, …; -1 for none
	asRoot  bool                // in another user namespace: take on its root's ids
	mask    uint64              // the signal mask to restore
	argv    [2]*byte
	envv    [3]*byte
	empty   *byte
	record  record
	byte    [1]byte
}

// join is one setns(2): fd is a namespace's file, or a pidfd with any number of flags.
type join struct {
	fd    int32
	flags int32
}

// Descriptors that the child is given. It has no others.
const (
	firstClosed = 3 // the command gets none from here on
	specFD      = 3 // the Spec as JSON up to end-of-file; its arrival is also the permission to go on
	eventsFD    = 4 // a SOCK_SEQPACKET: events and records to the parent; close-on-exec, so end-of-file means exec succeeded
	exeFD       = 5 // our own binary, to execute; and again, by the same descriptor, for an init
	mappedFD    = 6 // only with a new user namespace: a pipe with one byte once the ids are mapped
)

// start clones the child (or the door) and returns its pid. The caller holds
// the files behind every descriptor open until then.
func (b *birth) start() (pid int, err error) {
	// Nobody may open a descriptor without close-on-exec meanwhile; and no
	// signal may be handled in the copy, where Go's handler has no runtime.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all := ^uint64(0)
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&b.mask)), 8, 0, 0); errno != 0 {
		return 0, os.NewSyscallError("rt_sigprocmask", errno)
	}
	child, errno := b.split()
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.mask)), 0, 8, 0, 0)
	if errno != 0 {
		return 0, os.NewSyscallError("clone3", errno)
	}
	return int(child), nil
}

// split is where one process becomes two. It returns in the parent only.
//
//go:norace
//go:nosplit
//go:nocheckptr
//go:noinline
func (b *birth) split() (pid uintptr, errno syscall.Errno) {
	if b.joins[0].flags == 0 {
		pid, _, errno = unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&b.clone)), unsafe.Sizeof(b.clone), 0)
		if pid == 0 && errno == 0 {
			b.takeDescriptors()
			b.child()
		}
		return pid, errno
	}
	pid, _, errno = unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&b.door)), unsafe.Sizeof(b.door), 0)
	if pid != 0 || errno != 0 {
		return pid, errno
	}
	_, _, _ = unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0)
	for i := 0; i < len(b.joins) && b.joins[i].flags != 0; i++ {
		if _, _, errno = unix.RawSyscall(unix.SYS_SETNS, uintptr(b.joins[i].fd), uintptr(b.joins[i].flags), 0); errno != 0 {
			b.fail(recordSetns, errno)
		}
	}
	b.takeDescriptors()
	pid, _, errno = unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&b.clone)), unsafe.Sizeof(b.clone), 0)
	if errno != 0 {
		b.fail(recordClone, errno)
	}
	if pid == 0 {
		b.child()
	}
	b.record.say(b.inherit[eventsFD], recordPid, int32(pid))
	exit(0)
	return 0, 0
}

// takeDescriptors puts the inherited descriptors into their places and closes
// all others.
//
//go:norace
//go:nosplit
//go:nocheckptr
func (b *birth) takeDescriptors() {
	for i := range b.inherit {
		if b.inherit[i] < 0 {
			continue
		}
		if _, _, errno := unix.RawSyscall(unix.SYS_DUP3, uintptr(b.inherit[i]), uintptr(i), 0); errno != 0 {
			b.fail(recordDup, errno)
		}
		b.inherit[i] = int32(i)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_CLOSE_RANGE, uintptr(len(b.inherit)), ^uintptr(0), 0); errno != 0 {
		b.fail(recordClose, errno)
	}
}

// child runs in the new process, and becomes our own binary's Init.
//
//go:norace
//go:nosplit
//go:nocheckptr
func (b *birth) child() {
	if b.inherit[mappedFD] >= 0 {
		// Without a mapping we have no id, and exec would take our capabilities.
		n, _, errno := unix.RawSyscall(unix.SYS_READ, mappedFD, uintptr(unsafe.Pointer(&b.byte)), 1)
		if errno != 0 || n != 1 {
			b.fail(recordMapping, errno)
		}
	}
	if b.asRoot {
		b.becomeRoot()
	}
	// A session of its own: the caller's terminal can't be typed into from the
	// container (TIOCSTI), and its ^C reaches the container once, by us.
	_, _, _ = unix.RawSyscall(unix.SYS_SETSID, 0, 0, 0)
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.mask)), 0, 8, 0, 0)
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, exeFD, uintptr(unsafe.Pointer(b.empty)),
		uintptr(unsafe.Pointer(&b.argv)), uintptr(unsafe.Pointer(&b.envv)), unix.AT_EMPTY_PATH, 0)
	b.fail(recordExec, errno)
}

// becomeRoot takes on the ids of the user namespace's root, if it has one. Our
// groups of the host would still open the host's files: they go, unless the
// namespace was made without privilege and may not change groups at all.
//
//go:norace
//go:nosplit
//go:nocheckptr
func (b *birth) becomeRoot() {
	_, _, _ = unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0)
	_, _, _ = unix.RawSyscall(unix.SYS_SETRESGID, 0, 0, 0)
	_, _, _ = unix.RawSyscall(unix.SYS_SETRESUID, 0, 0, 0)
}
