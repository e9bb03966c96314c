package cli

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"

	"cooper/stage01-namespaces"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

// A foreground joins cooper's own streams, terminal and signals to a container
// for as long as run, exec, attach or "start -a" stay in front.
//
//	stdin  ──────────────▶ container          (with -i)
//	stdout ◀────────────── stdout, terminal
//	stderr ◀────────────── stderr             (without -t)
//	SIGINT, SIGTERM, … ──▶ as signals         (with -it, ^C is a byte of stdin)
//	SIGWINCH ────────────▶ as a new size      (with -t)
type foreground struct {
	streams engine.Streams
	signals chan os.Signal
	undo    []func()
}

// newForeground prepares the streams; the caller must call leave, whatever
// happens. From here on signals wait for the container instead of ending
// cooper, so that none is lost while it starts.
func newForeground(c *urfave.Context, stdin, terminal bool) (*foreground, error) {
	if terminal && stdin && !isTerminal(c.App.Reader) {
		return nil, errors.New("standard input is no terminal: leave out -t, or -i")
	}
	if keys := c.String("detach-keys"); keys != "" {
		if err := engine.CheckDetachKeys(keys); err != nil {
			return nil, &usageError{"", "--detach-keys: " + err.Error()}
		}
	}
	f := &foreground{
		streams: engine.Streams{Out: &drain{to: c.App.Writer}, Err: &drain{to: c.App.ErrWriter}},
		signals: make(chan os.Signal, 64),
	}
	f.catch(f.signals, proxied()...)
	// The SIGPIPE of "cooper run … | head -1" becomes EPIPE. It is caught and
	// not ignored: what is ignored stays so across execve(2), and the shim and
	// the container would inherit it.
	f.catch(make(chan os.Signal, 1), unix.SIGPIPE)
	if stdin {
		f.streams.In = c.App.Reader
	}
	if terminal && stdin {
		changes, stop := sizes(c.App.Reader)
		f.undo = append(f.undo, stop)
		f.streams.Resize, f.streams.DetachKeys = changes, "ctrl-p,ctrl-q"
		if keys := c.String("detach-keys"); keys != "" {
			f.streams.DetachKeys = keys
		}
	}
	return f, nil
}

// leave gives the terminal and the signals back.
func (f *foreground) leave() {
	for i := len(f.undo) - 1; i >= 0; i-- {
		f.undo[i]()
	}
	f.undo = nil
}

// wait stays in front until the process ends or the user detaches, and turns
// its exit status into cooper's.
//
// The terminal turns raw only here, when the start has succeeded and before the
// first byte is copied: what --explain or an error prints until then wants its
// line ends. What was typed meanwhile is kept.
func (f *foreground) wait(session *engine.Session) error {
	if f.streams.Resize != nil {
		restore, err := rawTerminal(f.streams.In)
		if err != nil {
			return err
		}
		f.undo = append(f.undo, restore)
	}
	go forward(f.signals, session.Signal)
	ending, err := session.Wait()
	f.leave()
	if err != nil || ending.Detached {
		return err
	}
	return exitWith(ending.ExitCode)
}

func (f *foreground) catch(to chan os.Signal, which ...os.Signal) {
	signal.Notify(to, which...)
	f.undo = append(f.undo, func() {
		signal.Stop(to)
		close(to)
	})
}

// A drain writes until its reader is gone, and takes the rest for nothing. So
// the container neither blocks nor dies when our reader does, and the status
// at the end is still the container's own.
type drain struct {
	to   io.Writer
	lock sync.Mutex
	gone bool
}

// Write follows io.Writer; a broken pipe is no error.
func (d *drain) Write(p []byte) (int, error) {
	d.lock.Lock()
	defer d.lock.Unlock()
	if d.gone {
		return len(p), nil
	}
	n, err := d.to.Write(p)
	if errors.Is(err, unix.EPIPE) {
		d.gone = true
		return len(p), nil
	}
	return n, err
}

// watcher returns what --explain asked for: the steps go to stderr.
func watcher(c *urfave.Context) func(namespaces.Event) {
	if flag, ok := c.Generic("explain").(*namespaces.ExplainFlag); ok {
		return flag.Watch(c.App.ErrWriter)
	}
	return nil
}
