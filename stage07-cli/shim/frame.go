package shim

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"cooper/stage01-namespaces"
)

// Everything on a shim's socket is a frame, with the header that Docker's
// attach has:
//
//	byte  0    1 2 3    4 5 6 7         8 …
//	      kind 0 0 0    length, big-endian  payload
//
// The first frame says what a connection is for:
//
//	job      JSON Job, and the container's lock as SCM_RIGHTS; only on the socket
//	         that the shim was born with. Answer: event…, then started or failed.
//	         With Job.Attach the connection is then attached.
//	attach   JSON Attach. Then client → shim: stdin; shim → client: stdout, stderr,
//	         at last exited
//	signal   4 bytes, the number. Answer: done or failed
//	resize   2 bytes height, 2 bytes width. Answer: done or failed
//	rewired  nothing: the Spec on disk has other networks. Answer: done or failed
//	wait     nothing. Answer, when the container has ended: exited
//
// Signals and sizes have connections of their own, so that they don't queue up
// behind input that the command doesn't read.
type kind byte

const (
	stdin  kind = 0 // an empty one is the end of input
	stdout kind = 1
	stderr kind = 2

	job     kind = 'j'
	attach  kind = 'a'
	detach  kind = 'd' // the client goes, and the input stays open
	signals kind = 'k'
	resize  kind = 'r'
	rewired kind = 'n'
	wait    kind = 'w'

	event   kind = 'e' // JSON namespaces.Event
	started kind = 's' // nothing
	failed  kind = 'f' // JSON Failure
	done    kind = 'o' // nothing
	exited  kind = 'x' // JSON state.Exit
)

const (
	headerSize = 8
	// maxFrame bounds what a peer can make us hold. A Spec is some kilobytes.
	maxFrame = 4 << 20
	// ioSize is how much output is moved at once.
	ioSize = 16 << 10
)

// putHeader fills in the first eight bytes of a frame.
func putHeader(frame []byte, k kind) {
	frame[0], frame[1], frame[2], frame[3] = byte(k), 0, 0, 0
	binary.BigEndian.PutUint32(frame[4:], uint32(len(frame)-headerSize))
}

// writeFrame writes a frame in one write.
func writeFrame(w io.Writer, k kind, payload []byte) error {
	frame := make([]byte, headerSize+len(payload))
	copy(frame[headerSize:], payload)
	putHeader(frame, k)
	_, err := w.Write(frame)
	return err
}

// readFrame reads a frame into buf, or into a bigger one if need be. io.EOF is
// the end between two frames.
func readFrame(r io.Reader, buf []byte) (k kind, payload []byte, err error) {
	var header [headerSize]byte
	if _, err = io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(header[4:])
	if length > maxFrame {
		return 0, nil, fmt.Errorf("read frame: %d bytes announced, at most %d are allowed", length, maxFrame)
	}
	if int(length) > cap(buf) {
		buf = make([]byte, length)
	}
	payload = buf[:length]
	if _, err = io.ReadFull(r, payload); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return kind(header[0]), payload, err
}

// Failure tells why a container didn't start, or a request wasn't met.
type Failure struct {
	Message  string        `json:"message"`
	ExitCode int           `json:"exitCode,omitempty"` // 125, 126 or 127
	Step     string        `json:"step,omitempty"`     // which failed, if it was one
	Errno    syscall.Errno `json:"errno,omitempty"`    // why, if the kernel said so
}

func (f *Failure) Error() string { return f.Message }

// Unwrap keeps the step and the errno across the socket: errors.As finds the
// *namespaces.StepError, errors.Is(err, EINVAL) is true.
func (f *Failure) Unwrap() []error {
	var causes []error
	if f.Errno != 0 {
		causes = append(causes, f.Errno)
	}
	if f.Step != "" {
		causes = append(causes, &namespaces.StepError{Step: f.Step, Err: f.Errno})
	}
	return causes
}

// failureOf is the error as it travels.
func failureOf(err error) Failure {
	f := Failure{Message: err.Error(), ExitCode: namespaces.ExitCode(err)}
	if step := new(namespaces.StepError); errors.As(err, &step) {
		f.Step = step.Step
	}
	_ = errors.As(err, &f.Errno)
	return f
}

// Attach says what a client of a running container wants.
type Attach struct {
	Stdin  bool `json:"stdin,omitempty"`
	Stdout bool `json:"stdout,omitempty"`
	Stderr bool `json:"stderr,omitempty"`
}

// patience is how long a client that attached later may leave its output
// unread, and any client once the container has ended. The client that was
// there from the start may take its time: it slows the command down as a pipe
// would, and loses nothing.
const patience = 10 * time.Second
