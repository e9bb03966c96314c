package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// forward passes what cooper is sent on to the container until received is
// closed, so that ^C and a supervisor's SIGTERM reach the program that they
// are meant for.
//
// SIGKILL and SIGSTOP can't be caught: the container survives them.
func forward(received <-chan os.Signal, send func(unix.Signal) error) {
	for s := range received {
		if number, ok := s.(unix.Signal); ok && !ours(number) {
			_ = send(number) // the container may be gone already
		}
	}
}

// ours are the signals that mean cooper itself: SIGCHLD and SIGURG come from
// our children and the Go runtime, SIGWINCH is a new size, SIGPIPE says that
// our reader is gone and not the container's, and the stop signals of job
// control are about this process.
func ours(s unix.Signal) bool {
	switch s {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGPIPE, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return true
	}
	return false
}
