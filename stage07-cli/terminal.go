package cli

import (
	"os"
	"os/signal"

	"cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// A container with a terminal has its own line discipline: it echoes, it turns
// ^C into SIGINT. The terminal that cooper itself runs on must then do none of
// this, which is called raw mode (termios(3)), and it must get its old mode
// back however cooper ends: a shell on a raw terminal looks dead.

// isTerminal reports whether a stream of ours is a terminal.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && file != nil && term.IsTerminal(int(file.Fd()))
}

// rawTerminal puts a terminal into raw mode and returns what puts it back.
// Anything else than a terminal is left alone.
func rawTerminal(stream any) (restore func(), err error) {
	if !isTerminal(stream) {
		return func() {}, nil
	}
	fd := int(stream.(*os.File).Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(fd, before) }, nil
}

// windowSize returns the size of a terminal, or nil where there is none.
func windowSize(stream any) *namespaces.WindowSize {
	if !isTerminal(stream) {
		return nil
	}
	width, height, err := term.GetSize(int(stream.(*os.File).Fd()))
	if err != nil {
		return nil
	}
	return &namespaces.WindowSize{Width: uint16(width), Height: uint16(height)}
}

// sizes sends the terminal's size, now and after each change, until stop is
// called; nil where there is no terminal.
//
// The size is read after the signal, so that a storm of SIGWINCH ends with the
// last size, whichever of the signals the kernel merged.
func sizes(stream any) (changes <-chan namespaces.WindowSize, stop func()) {
	if !isTerminal(stream) {
		return nil, func() {}
	}
	winch := make(chan os.Signal, 1)
	signal.Notify(winch, unix.SIGWINCH)
	// The first size is there before anybody asks: the container's terminal is
	// born with it.
	out, done := make(chan namespaces.WindowSize, 1), make(chan struct{})
	if size := windowSize(stream); size != nil {
		out <- *size
	}
	go func() {
		for {
			select {
			case <-winch:
			case <-done:
				return
			}
			size := windowSize(stream)
			if size == nil {
				continue
			}
			select {
			case out <- *size:
			case <-done:
				return
			}
		}
	}()
	return out, func() {
		signal.Stop(winch)
		close(done)
	}
}
