package cli

import (
	"os"

	"golang.org/x/sys/unix"
)

// forward passes what cooper is sent on to the container until received is
// closed, so that ^C and a supervisor's SIGTERM reach the program that they
// are meant for. Cooper itself goes when the container has gone, and so always
// gives the terminal back.
//
// SIGKILL and SIGSTOP can't be caught: the container survives them.
func forward(received <-chan os.Signal, send func(unix.Signal) error) {
	for s := range received {
		if number, ok := s.(unix.Signal); ok {
			_ = send(number) // the container may be gone already
		}
	}
}

// proxied lists the signals that are meant for the container.
func proxied() []os.Signal {
	var list []os.Signal
	for s := unix.SIGHUP; s <= unix.SIGSYS; s++ {
		if !ours(s) {
			list = append(list, s)
		}
	}
	return list
}

// ours are the signals that mean cooper itself: SIGCHLD and SIGURG come from
// our children and the Go runtime, SIGWINCH is a new size, SIGPIPE says that
// our reader is gone and not the container's, and those of job control are
// about this process: ^Z stops cooper, and the container runs on.
func ours(s unix.Signal) bool {
	switch s {
	case unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGPIPE,
		unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGCONT, unix.SIGKILL, unix.SIGSTOP:
		return true
	}
	return false
}
