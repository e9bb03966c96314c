package namespaces

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
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

	stdio  [firstFree]int32 // what becomes descriptor 0, 1, 2, specFD, eventsFD
	exe    int32            // our own binary
	wait   int32            // a pipe to read one byte from before exec; -1 for none
	asRoot bool             // in another user namespace: take on its root's ids
	mask   uint64           // the signal mask to restore
	argv   [2]*byte
	envv   [3]*byte
	empty  *byte
	record record
	byte   [1]byte
}

// join is one setns(2): fd is a namespace's file, or a pidfd with any number of flags.
type join struct {
	fd    int32
	flags int32
}

// Descriptors that the child inherits, all others are close-on-exec.
const (
	specFD    = 3 // the Spec as JSON up to end-of-file; its arrival is also the permission to go on
	eventsFD  = 4 // a SOCK_SEQPACKET: events and records to the parent; close-on-exec, so end-of-file means exec succeeded
	firstFree = 5
)

// record is what the child can say before it has a Go runtime, in one packet:
//
//	byte 0     0, where an event would have '{'
//	byte 1     what: the pid of the child, or the system call that failed
//	byte 4-7   the pid or the errno, in the machine's byte order
type record struct {
	zero  uint8
	what  uint8
	_     [2]uint8
	value int32
}

const (
	recordPid = iota
	recordSetns
	recordClone
	recordMapping
	recordDup
	recordExec
)

var recordNames = [...]string{recordSetns: "setns", recordClone: "clone3", recordMapping: "wait for id mapping", recordDup: "dup3", recordExec: "execveat"}

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
			b.child()
		}
		return pid, errno
	}
	pid, _, errno = unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&b.door)), unsafe.Sizeof(b.door), 0)
	if pid != 0 || errno != 0 {
		return pid, errno
	}
	for i := 0; i < len(b.joins) && b.joins[i].flags != 0; i++ {
		if _, _, errno = unix.RawSyscall(unix.SYS_SETNS, uintptr(b.joins[i].fd), uintptr(b.joins[i].flags), 0); errno != 0 {
			b.fail(recordSetns, errno)
		}
	}
	pid, _, errno = unix.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&b.clone)), unsafe.Sizeof(b.clone), 0)
	if errno != 0 {
		b.fail(recordClone, errno)
	}
	if pid == 0 {
		b.child()
	}
	b.say(recordPid, int32(pid))
	b.exit(0)
	return 0, 0
}

// child runs in the new process, and becomes our own binary's Init.
//
//go:norace
//go:nosplit
//go:nocheckptr
func (b *birth) child() {
	if b.wait >= 0 {
		// Without a mapping we have no id, and exec would take our capabilities.
		n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(b.wait), uintptr(unsafe.Pointer(&b.byte)), 1)
		if errno != 0 || n != 1 {
			b.fail(recordMapping, errno)
		}
	}
	if b.asRoot {
		_, _, _ = unix.RawSyscall(unix.SYS_SETRESGID, 0, 0, 0)
		_, _, _ = unix.RawSyscall(unix.SYS_SETRESUID, 0, 0, 0)
	}
	// A session of its own: the caller's terminal can't be typed into from the
	// container (TIOCSTI), and its ^C reaches the container once, by us.
	_, _, _ = unix.RawSyscall(unix.SYS_SETSID, 0, 0, 0)
	for i := range b.stdio {
		if _, _, errno := unix.RawSyscall(unix.SYS_DUP3, uintptr(b.stdio[i]), uintptr(i), 0); errno != 0 {
			b.fail(recordDup, errno)
		}
	}
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&b.mask)), 0, 8, 0, 0)
	_, _, errno := unix.RawSyscall6(unix.SYS_EXECVEAT, uintptr(b.exe), uintptr(unsafe.Pointer(b.empty)),
		uintptr(unsafe.Pointer(&b.argv)), uintptr(unsafe.Pointer(&b.envv)), unix.AT_EMPTY_PATH, 0)
	b.fail(recordExec, errno)
}

//go:norace
//go:nosplit
//go:nocheckptr
func (b *birth) say(what uint8, value int32) {
	b.record.what, b.record.value = what, value
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(b.stdio[eventsFD]), uintptr(unsafe.Pointer(&b.record)), unsafe.Sizeof(b.record))
}

//go:norace
//go:nosplit
func (b *birth) fail(what uint8, errno syscall.Errno) {
	b.say(what, int32(errno))
	b.exit(1)
}

//go:norace
//go:nosplit
func (b *birth) exit(code uintptr) {
	for {
		_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, code, 0, 0)
	}
}

// parseRecord reads a record off the wire.
func parseRecord(packet []byte) (record, error) {
	if len(packet) != int(unsafe.Sizeof(record{})) || packet[0] != 0 {
		return record{}, fmt.Errorf("read record: %d unexpected bytes", len(packet))
	}
	return record{what: packet[1], value: int32(binary.NativeEndian.Uint32(packet[4:]))}, nil
}

// err is the failure that the record tells of, nil for a pid.
func (r record) err() error {
	if r.what == recordPid {
		return nil
	}
	if int(r.what) >= len(recordNames) {
		return fmt.Errorf("read record: unknown kind %d", r.what)
	}
	return os.NewSyscallError(recordNames[r.what], syscall.Errno(r.value))
}

// arguments fills in what execveat takes: our own name, by which Init knows
// the child, and two settings that Go's runtime reads before any of our code
// runs. The child lives for some milliseconds: one processor is enough, and
// collecting garbage is not worth it.
func (b *birth) arguments() {
	b.argv = [2]*byte{cstring(initName)}
	b.envv = [3]*byte{cstring("GOMAXPROCS=1"), cstring("GOGC=off")}
	b.empty = cstring("")
}

func cstring(s string) *byte {
	p, err := unix.BytePtrFromString(strings.ReplaceAll(s, "\x00", ""))
	if err != nil {
		panic(err) // can't be: no NUL is left
	}
	return p
}
