package namespaces

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// record is what the child can say before it has a Go runtime, and when it may
// not use it any more, in one packet:
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
	recordClose
	recordExec
	recordCommand // the exec of the command itself
)

var recordNames = [...]string{recordSetns: "setns", recordClone: "clone3", recordMapping: "wait for id mapping", recordDup: "dup3", recordClose: "close_range", recordExec: "execveat", recordCommand: "execve"}

// say sends the record to the parent.
//
//go:norace
//go:nosplit
//go:nocheckptr
func (r *record) say(fd int32, what uint8, value int32) {
	r.what, r.value = what, value
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(r)), unsafe.Sizeof(*r))
}

// fail tells of an error and ends the process.
//
//go:norace
//go:nosplit
func (b *birth) fail(what uint8, errno syscall.Errno) {
	b.record.say(b.inherit[eventsFD], what, int32(errno))
	exit(1)
}

//go:norace
//go:nosplit
func exit(code uintptr) {
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
