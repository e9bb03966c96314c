package shim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// Attach joins the connection to the container's streams.
func (c *Client) Attach(a Attach) error { return c.send(attach, a, nil) }

// Copy writes the container's output to out and err (nil drops it) until the
// container has ended. ErrGone: the shim was killed, or Detach was called.
func (c *Client) Copy(out, errs io.Writer) (*state.Exit, error) {
	buf := make([]byte, 64<<10)
	for {
		k, payload, err := readFrame(c.conn, buf)
		switch {
		case gone(err) || errors.Is(err, os.ErrClosed):
			return nil, ErrGone
		case err != nil:
			return nil, err
		}
		switch k {
		case exited:
			exit := new(state.Exit)
			return exit, json.Unmarshal(payload, exit)
		case stdout:
			err = put(out, payload, "stdout")
		case stderr:
			err = put(errs, payload, "stderr")
		}
		if err != nil {
			return nil, err
		}
	}
}

func put(w io.Writer, text []byte, name string) error {
	if w == nil {
		return nil
	}
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Write gives the container input.
func (c *Client) Write(text []byte) (int, error) {
	for begin := 0; begin < len(text); begin += ioSize {
		if err := writeFrame(c.conn, stdin, text[begin:min(begin+ioSize, len(text))]); err != nil {
			return begin, err
		}
	}
	return len(text), nil
}

// CloseInput is the end of the container's input; output goes on.
func (c *Client) CloseInput() error { return writeFrame(c.conn, stdin, nil) }

// Detach leaves the container as it is. Copy then ends with ErrGone.
func (c *Client) Detach() error {
	err := writeFrame(c.conn, detach, nil)
	// The shim lets go of us as well, and Copy's caller may have closed us by now.
	if raw, rawErr := c.conn.SyscallConn(); rawErr == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_RD) })
	}
	return err
}
