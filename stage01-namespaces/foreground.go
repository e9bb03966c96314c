package namespaces

import (
	"errors"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Foreground launches the process, passes our signals on to it, connects its
// terminal to ours if it has one, waits for it, and undoes the steps outside.
// It is the body of every stage's program.
//
// The exit code is the command's own, or 128 and the number of the signal that
// ended it, or with an error that of ExitCode.
func Foreground(p *Process, outside []Step) (exitCode int, err error) {
	if err := Launch(p, outside); err != nil {
		return ExitCode(err), err
	}
	defer p.Close()
	stopForwarding := forwardSignals(p)
	disconnect := func() {}
	if p.Console != nil {
		if disconnect, err = connectTerminal(p); err != nil {
			return ExitEngine, errors.Join(err, p.end(), Undo(outside))
		}
	}
	status, err := p.Wait()
	disconnect()
	stopForwarding()
	if err = errors.Join(err, Undo(outside)); err != nil {
		return ExitEngine, err
	}
	return ExitStatus(status), nil
}

// forwardSignals passes on every signal that a person or a service manager may
// send us. The child has a session of its own, so a ^C at our terminal reaches
// it only this way, and once.
func forwardSignals(p *Process) (stop func()) {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM,
		unix.SIGUSR1, unix.SIGUSR2, unix.SIGCONT, unix.SIGWINCH)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for received := range signals {
			if received == unix.SIGWINCH {
				_ = followSize(p) // without a terminal there is nothing to resize
				continue
			}
			_ = p.Signal(received.(unix.Signal)) // ESRCH: it has just ended
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
		<-done
	}
}

// connectTerminal makes our terminal transparent and copies in both
// directions. The function that it returns waits for the last output and gives
// our terminal back.
func connectTerminal(p *Process) (disconnect func(), err error) {
	restore := func() {}
	if term.IsTerminal(0) {
		state, err := term.MakeRaw(0)
		if err != nil {
			return nil, err
		}
		restore = func() { _ = term.Restore(0, state) }
		if err := followSize(p); err != nil {
			restore()
			return nil, err
		}
	}
	go func() { _, _ = io.Copy(p.Console, os.Stdin) }() // ends with our program: a read of a terminal can't be called off
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(os.Stdout, p.Console) // EIO: the last process closed its end
	}()
	return func() {
		<-drained
		restore()
	}, nil
}

// followSize gives the container's terminal the size of ours.
func followSize(p *Process) error {
	if p.Console == nil {
		return nil
	}
	width, height, err := term.GetSize(0)
	if err != nil {
		return err
	}
	return p.Resize(WindowSize{Height: uint16(height), Width: uint16(width)})
}
