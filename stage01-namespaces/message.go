package namespaces

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// message is what the child reports, one packet each:
//
//	{"time":"…","inside":true,"step":"rootfs/pivot_root","why":"…"}      a step begins
//	{"step":"rootfs/pivot_root","error":"pivot_root: …","errno":22}     it failed, and the child ends
//
// A packet that carries a descriptor (SCM_RIGHTS, see unix(7)) hands over the
// terminal's master end.
type message struct {
	Event
	Error string        `json:"error,omitempty"`
	Errno syscall.Errno `json:"errno,omitempty"`
}

// err rebuilds the child's error: its text, and the errno to unwrap to.
func (m message) err() error {
	return &StepError{Step: m.Step, Err: &reported{m.Error, m.Errno}}
}

// reported is an error that happened in the child.
type reported struct {
	text  string
	errno syscall.Errno
}

func (e *reported) Error() string { return e.text }

func (e *reported) Unwrap() error {
	if e.errno == 0 {
		return nil
	}
	return e.errno
}

// report sends a message to the parent. There is nobody to tell when that
// fails: a parent that is gone has closed its end, and the child ends too. The
// call is a raw one, as everything after Pin.
func report(m message) {
	packet, err := json.Marshal(m)
	if err != nil {
		packet = fmt.Appendf(nil, `{"step":%q,"error":"describe the error"}`, m.Step)
	}
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, eventsFD, uintptr(unsafe.Pointer(&packet[0])), uintptr(len(packet)))
}

// reportFailure sends the error of a step, with its errno if it has one.
func reportFailure(err error) {
	m := message{Error: err.Error()}
	var step *StepError
	if errors.As(err, &step) {
		m.Step, m.Error = step.Step, step.Err.Error()
	}
	_ = errors.As(err, &m.Errno)
	report(m)
}

// sendConsole hands a file over to the parent.
func sendConsole(file *os.File) error {
	return os.NewSyscallError("sendmsg", unix.Sendmsg(eventsFD, []byte{'{'}, unix.UnixRights(int(file.Fd())), nil, 0))
}

// maxPacket is longer than any report: a step's name, a sentence, an error.
const maxPacket = 64 << 10

// receive reads one packet, or the file that came in its place. Both are nil
// at end-of-file.
func receive(events *os.File) (packet []byte, console *os.File, err error) {
	rights := make([]byte, unix.CmsgSpace(4))
	for {
		// The length first: a buffer for the longest would cost a supervisor
		// more than all else that it keeps.
		length, _, err := unix.Recvfrom(int(events.Fd()), nil, unix.MSG_PEEK|unix.MSG_TRUNC)
		if err == unix.EINTR {
			continue
		}
		packet = make([]byte, min(max(length, 1), maxPacket))
		n, oobn, _, _, err := unix.Recvmsg(int(events.Fd()), packet, rights, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err == unix.ECONNRESET { // the child ended without reading everything: end-of-file all the same
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, os.NewSyscallError("recvmsg", err)
		}
		console, err = fileFromRights(rights[:oobn])
		return packet[:n], console, err
	}
}

// fileFromRights returns the one file that a packet may carry. In a hostile
// container's hands the socket could send any number of files, and of any kind:
// all but a terminal's master end are closed again.
func fileFromRights(rights []byte) (*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, os.NewSyscallError("parse control message", err)
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return nil, os.NewSyscallError("parse control message", err)
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "console"))
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	if err := checkMultiplexer(int(files[0].Fd())); err != nil || len(files) > 1 {
		for _, file := range files {
			file.Close()
		}
		return nil, fmt.Errorf("receive the terminal: got %d files, %w", len(files), cmp.Or(err, error(unix.EINVAL)))
	}
	return files[0], nil
}
