package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"

	"golang.org/x/sys/unix"
)

// Main is called first in main, beside namespaces.Init. In an ordinary process
// it returns at once; in one that Spawn made it is the shim, and never returns.
func Main() {
	if len(os.Args) != 1 || os.Args[0] != argv0 {
		return
	}
	// PR_SET_PDEATHSIG fires when the thread ends that made the child, not when
	// the process does. This goroutine makes it, and from here on has a thread
	// that lasts as long as the shim.
	runtime.LockOSThread()
	client, err := settle()
	if err == nil {
		err = supervise(client)
	}
	if err != nil {
		os.Exit(1) // whoever could be told has been told
	}
	os.Exit(0)
}

// settle makes this process one that can stay.
func settle() (client *os.File, err error) {
	// What the user's shell left open would stay open as long as the container
	// lives: a pipe without end, a disk that can't be unmounted.
	if err := unix.CloseRange(socketFD+1, ^uint(0), 0); err != nil {
		return nil, os.NewSyscallError("close_range", err)
	}
	unix.CloseOnExec(socketFD)
	unix.Umask(0o077)
	// A process that the container's processes orphan becomes our child, not
	// the host's: so we reap it, and know that it was there.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, os.NewSyscallError("prctl", err)
	}
	// A machine that shuts down sends SIGTERM to everybody. The container gets
	// its own; if we went first, the kernel would kill it before it is done.
	// Caught and not ignored: what is ignored stays so across exec.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM)
	return os.NewFile(socketFD, "client"), nil
}

// supervise takes the job and does it.
func supervise(conn *os.File) error {
	j, lock, err := receiveJob(conn)
	if err != nil {
		return err
	}
	s := &supervisor{job: j, lock: lock, client: newPeer(conn)}
	s.client.patient = true
	if err := json.Unmarshal(j.Spec, &s.spec); err != nil {
		return s.client.answer(fmt.Errorf("read spec: %w", err))
	}
	j.Spec = nil // it is long, and we stay
	stepBack("/proc/self", &s.spec)
	if err := s.start(); err != nil {
		return errors.Join(err, s.giveUp(err))
	}
	if err := s.announce(); err != nil {
		return err
	}
	return s.finish(s.waitForInit())
}

// receiveJob reads the first frame, and the lock that came along. It is a
// socket that nobody else has, so who sends needs no check.
func receiveJob(conn *os.File) (*Job, *os.File, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	header := make([]byte, headerSize)
	rights := make([]byte, unix.CmsgSpace(4))
	var n, rightsLen int
	var recvErr error
	err = raw.Read(func(fd uintptr) bool {
		n, rightsLen, _, _, recvErr = unix.Recvmsg(int(fd), header, rights, unix.MSG_CMSG_CLOEXEC)
		return recvErr != unix.EAGAIN
	})
	if err = errors.Join(err, os.NewSyscallError("recvmsg", recvErr)); err != nil {
		return nil, nil, err
	}
	lock, err := fileOf(rights[:rightsLen])
	if err != nil {
		return nil, nil, err
	}
	_, text, err := readFrame(&continued{header[:n], conn}, nil)
	if err != nil {
		return nil, nil, err // io.EOF: there is no job after all
	}
	j := new(Job)
	return j, lock, json.Unmarshal(text, j)
}

// continued reads what has been read already, and then on.
type continued struct {
	begun []byte
	rest  *os.File
}

func (c *continued) Read(p []byte) (int, error) {
	if len(c.begun) > 0 {
		n := copy(p, c.begun)
		c.begun = c.begun[n:]
		return n, nil
	}
	return c.rest.Read(p)
}

// fileOf unpacks the one descriptor of an SCM_RIGHTS message; see unix(7).
func fileOf(control []byte) (*os.File, error) {
	if len(control) == 0 {
		return nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.Join(err, fmt.Errorf("%d descriptors came with the job", len(fds)))
	}
	return os.NewFile(uintptr(fds[0]), "lock"), nil
}
