package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"cooper/stage01-namespaces"
	"cooper/stage06-network"
	"cooper/stage07-cli/archive"
	"cooper/stage07-cli/shim"
	"cooper/stage07-cli/shim/state"

	"golang.org/x/sys/unix"
)

// ErrNoPath is that a path in a container leads to nothing.
var ErrNoPath = fmt.Errorf("no such path in the container: %w", ErrNotFound)

// archiver is a process of package archive in a container. It has no shim, and
// ends with us.
type archiver struct {
	spec   *network.Spec
	target *state.Task           // whose namespaces it joins; nil for a container that doesn't run
	in     io.Reader             // what it reads; nil for nothing
	out    func(io.Reader) error // takes what it writes; nil for nobody

	process namespaces.Process
	ends    []*os.File // of pipes, all of them
}

// run launches the process, serves its pipes, and waits for its end.
func (a *archiver) run(ctx context.Context) error {
	defer a.closeEnds()
	p := &a.process
	var toIn, fromOut, fromErr *os.File
	for _, open := range []func() error{
		func() (err error) { p.Stdin, toIn, err = a.pipe(); return err },
		func() (err error) { fromOut, p.Stdout, err = a.pipe(); return err },
		func() (err error) { fromErr, p.Stderr, err = a.pipe(); return err },
	} {
		if err := open(); err != nil {
			return err
		}
	}
	if err := namespaces.Launch(p, a.outside()); err != nil {
		return err
	}
	defer p.Close()
	defer context.AfterFunc(ctx, func() { _ = p.Signal(unix.SIGKILL) })()
	for _, theirs := range []*os.File{p.Stdin, p.Stdout, p.Stderr} {
		theirs.Close()
	}

	fed := make(chan error, 1) // nobody waits for who feeds: what it reads from may never end
	go func() { fed <- a.feed(toIn) }()
	var served sync.WaitGroup
	var outErr error
	var complaint bytes.Buffer
	served.Go(func() { outErr = a.take(fromOut) })
	served.Go(func() { _, _ = io.Copy(&complaint, io.LimitReader(fromErr, 4096)) })
	status, err := p.Wait()
	served.Wait()
	if err != nil {
		return err
	}
	var inErr error
	select {
	case inErr = <-fed:
	default:
	}
	return a.outcome(ctx, namespaces.ExitStatus(status), strings.TrimSpace(complaint.String()), inErr, outErr)
}

// outcome tells what went wrong first: of a failure at one end, the others only
// see that a pipe breaks or a tar isn't whole.
func (a *archiver) outcome(ctx context.Context, exit int, complaint string, inErr, outErr error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case inErr != nil:
		return inErr
	case exit == archive.Missing:
		return ErrNoPath
	case complaint != "":
		return errors.New(complaint)
	case exit == 128+int(unix.SIGKILL):
		return tell(ErrNotRunning, "Container %s ended while files were copied", a.spec.ID)
	case outErr != nil:
		return outErr
	case exit != 0:
		return fmt.Errorf("the copying process ended with status %d", exit)
	}
	return nil
}

// outside lists what we do: make the process, and let it go. It needs nothing
// of the rest, no group, no network.
func (a *archiver) outside() []namespaces.Step {
	steps := namespaces.Clone(a.spec.Base(), &a.process)
	if a.target != nil {
		steps = append(steps, shim.Recheck(*a.target))
	}
	return append(steps, namespaces.Release(a.spec, &a.process)...)
}

// pipe makes one, whose ends close when all is done.
func (a *archiver) pipe() (from, to *os.File, err error) {
	from, to, err = os.Pipe()
	if err == nil {
		a.ends = append(a.ends, from, to)
	}
	return from, to, err
}

func (a *archiver) closeEnds() {
	for _, end := range a.ends {
		end.Close()
	}
}

// feed writes what the process is to read. That it doesn't read all of it is
// its own affair.
func (a *archiver) feed(to *os.File) error {
	defer to.Close()
	if a.in == nil {
		return nil
	}
	_, err := io.Copy(to, a.in)
	if errors.Is(err, unix.EPIPE) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// take gives away what the process writes. Who has had enough ends the process.
func (a *archiver) take(from *os.File) error {
	defer from.Close()
	if a.out != nil {
		if err := a.out(from); err != nil {
			return err
		}
	}
	_, err := io.Copy(io.Discard, from)
	return err
}
