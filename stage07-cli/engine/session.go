package engine

import (
	"errors"
	"io"
	"sync/atomic"

	"cooper/stage01-namespaces"
	"cooper/stage07-cli/shim"
	"golang.org/x/sys/unix"
)

// Session is a client joined to a running container or to an exec in it.
type Session struct {
	ID string // of the container

	engine   *Engine
	socket   string // the shim's directory, for what must not queue up behind input
	client   *shim.Client
	streams  Streams
	detached atomic.Bool
}

// Ending tells how a session ended.
type Ending struct {
	Detached bool // the process goes on
	ExitCode int  // 0 to 255; 128 + signal
}

// attachment says what of the streams the shim must serve.
func attachment(s *Streams, stdin bool) *shim.Attach {
	if s == nil {
		return nil
	}
	return &shim.Attach{Stdin: stdin && s.In != nil, Stdout: s.Out != nil, Stderr: s.Err != nil}
}

func (e *Engine) newSession(id, socket string, client *shim.Client, s Streams) *Session {
	return &Session{ID: id, engine: e, socket: socket, client: client, streams: s}
}

// Wait copies the streams until the process ends or the client detaches.
// When it returns, every byte of output has been written.
func (s *Session) Wait() (Ending, error) {
	defer s.client.Close()
	if s.streams.In != nil {
		go s.copyInput()
	}
	stop := make(chan struct{})
	defer close(stop)
	if s.streams.Resize != nil {
		go s.followSize(stop)
	}
	exit, err := s.client.Copy(s.streams.Out, s.streams.Err)
	switch {
	case s.detached.Load():
		return Ending{Detached: true}, nil
	case errors.Is(err, shim.ErrGone):
		return Ending{ExitCode: exitShimKilled}, s.engine.afterDeath(s.ID, err)
	case err != nil:
		return Ending{}, err
	}
	return Ending{ExitCode: exit.ExitCode}, nil
}

// copyInput ends with the input, or with our process: a read of a terminal
// can't be called off.
func (s *Session) copyInput() {
	in := s.streams.In
	if s.streams.DetachKeys != "" {
		keys, err := parseDetachKeys(s.streams.DetachKeys)
		if err != nil {
			return
		}
		in = &detachable{in: in, keys: keys}
	}
	_, err := io.Copy(s.client, in)
	if errors.Is(err, errDetach) {
		s.detached.Store(true)
		_ = s.client.Detach()
		return
	}
	if err == nil {
		_ = s.client.CloseInput() // a container that has ended meanwhile needs none
	}
}

// firstSize is the size that the client's terminal has before the start: the
// container's begins with it, so that its first program doesn't see 0 by 0.
func firstSize(s *Streams) *namespaces.WindowSize {
	if s == nil {
		return nil
	}
	select {
	case size, more := <-s.Resize:
		if more {
			return &size
		}
	default:
	}
	return nil
}

// followSize passes the sizes of the client's terminal on.
func (s *Session) followSize(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case size, more := <-s.streams.Resize:
			if !more {
				return
			}
			_ = s.Resize(size) // the next size may reach it
		}
	}
}

// Resize tells the process's terminal its size.
func (s *Session) Resize(size namespaces.WindowSize) error {
	return s.control(func(c *shim.Client) error { return c.Resize(size) })
}

// Signal sends a signal to the process.
func (s *Session) Signal(sig unix.Signal) error {
	return s.control(func(c *shim.Client) error { return c.Signal(sig) })
}

// control uses a connection of its own, which no unread input blocks.
func (s *Session) control(ask func(*shim.Client) error) error {
	client, err := shim.Connect(s.socket)
	if err != nil {
		return err
	}
	defer client.Close()
	return ask(client)
}

// Detach leaves the process as it is; Wait returns.
func (s *Session) Detach() error {
	s.detached.Store(true)
	return s.client.Detach()
}
