package shim

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"cooper/stage01-namespaces"
	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// Client is one connection to a shim.
type Client struct{ conn *os.File }

// ErrGone says that the shim ended before it answered.
var ErrGone = errors.New("the container's supervisor has ended")

// Connect connects to the shim that listens in dir. ErrGone: none does.
//
// A socket's path has room for 107 bytes (see unix(7)), and a state directory
// may be deeper than that, so the path goes through a descriptor of the
// directory.
func Connect(dir string) (*Client, error) {
	handle, err := os.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = unix.Connect(fd, socketAddress(handle))
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err == nil {
		return &Client{conn: os.NewFile(uintptr(fd), "shim")}, nil
	}
	unix.Close(fd)
	if err == unix.ECONNREFUSED || err == unix.ENOENT {
		return nil, ErrGone
	}
	return nil, &os.PathError{Op: "connect", Path: filepath.Join(dir, state.SocketFile), Err: err}
}

func socketAddress(dir *os.File) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), state.SocketFile)}
}

// Close ends the connection. For a shim that has no job yet, that is its end.
func (c *Client) Close() error { return c.conn.Close() }

// send writes one frame, with a file if there is one.
func (c *Client) send(k kind, payload any, file *os.File) error {
	text, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	if file == nil {
		return writeFrame(c.conn, k, text)
	}
	frame := make([]byte, headerSize+len(text))
	copy(frame[headerSize:], text)
	putHeader(frame, k)
	// The file travels with the header, which fits into any socket's buffer;
	// the rest may have to wait for the reader.
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	rights := unix.UnixRights(int(file.Fd()))
	err = raw.Write(func(fd uintptr) bool {
		sendErr = unix.Sendmsg(int(fd), frame[:headerSize], rights, nil, unix.MSG_NOSIGNAL)
		return sendErr != unix.EAGAIN
	})
	if err = errors.Join(err, os.NewSyscallError("sendmsg", sendErr)); err != nil {
		return err
	}
	_, err = c.conn.Write(frame[headerSize:])
	return err
}

// Started waits for the answer to the job, and tells watch of each step. The
// error is a *Failure if the container couldn't be started.
func (c *Client) Started(watch func(namespaces.Event)) error {
	for {
		k, payload, err := readFrame(c.conn, nil)
		switch {
		case gone(err):
			return ErrGone
		case err != nil:
			return err
		case k == started:
			return nil
		case k == failed:
			return failure(payload)
		case k == event && watch != nil:
			var e namespaces.Event
			if err := json.Unmarshal(payload, &e); err != nil {
				return err
			}
			watch(e)
		}
	}
}

func failure(payload []byte) error {
	f := new(Failure)
	if err := json.Unmarshal(payload, f); err != nil {
		return fmt.Errorf("read failure: %w", err)
	}
	return f
}

func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, unix.ECONNRESET) || errors.Is(err, unix.EPIPE)
}

// Signal has the shim send a signal to the container's first process.
func (c *Client) Signal(sig unix.Signal) error {
	return c.ask(signals, binary.BigEndian.AppendUint32(nil, uint32(sig)))
}

// Resize tells the container's terminal its size.
func (c *Client) Resize(size namespaces.WindowSize) error {
	text := binary.BigEndian.AppendUint16(nil, size.Height)
	return c.ask(resize, binary.BigEndian.AppendUint16(text, size.Width))
}

// Rewired tells the shim that the Spec on disk has other networks.
func (c *Client) Rewired() error { return c.ask(rewired, nil) }

func (c *Client) ask(k kind, payload []byte) error {
	if err := writeFrame(c.conn, k, payload); err != nil {
		if gone(err) {
			return ErrGone
		}
		return err
	}
	k, payload, err := readFrame(c.conn, nil)
	switch {
	case gone(err):
		return ErrGone
	case err != nil:
		return err
	case k == failed:
		return failure(payload)
	}
	return nil
}

// Wait waits until the container has ended and its shim has tidied up. Close
// from elsewhere calls it off.
func (c *Client) Wait() (*state.Exit, error) {
	if err := writeFrame(c.conn, wait, nil); err != nil && !gone(err) {
		return nil, err
	}
	k, payload, err := readFrame(c.conn, nil)
	if gone(err) || err == nil && k != exited {
		return nil, ErrGone
	}
	if err != nil {
		return nil, err
	}
	exit := new(state.Exit)
	return exit, json.Unmarshal(payload, exit)
}
