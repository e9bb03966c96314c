package namespaces

import (
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// superviseAsInit stays PID 1, and runs the command as its child: for commands
// that don't do what the kernel expects of PID 1.
//
//   - Orphans become PID 1's children; one that doesn't wait for them fills the
//     container with zombies.
//   - The kernel delivers no signal to PID 1 that it has no handler for, not
//     even SIGTERM; so a command that relies on the default action can't be
//     stopped politely. We have handlers, and pass signals on to a process
//     with an ordinary pid.
//
// It ends with the command, and the kernel ends all that is left in the pid
// namespace.
func superviseAsInit(s *Spec, path string) error {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	child, err := startChild(s, path)
	if err != nil {
		return err
	}
	unix.Close(eventsFD) // the command is there: exec has succeeded
	for received := range signals {
		switch received {
		case unix.SIGCHLD:
			if status, ended := reapAll(child); ended {
				os.Exit(ExitStatus(status))
			}
		case unix.SIGURG, unix.SIGPIPE: // Go's runtime sends itself the one; nobody sends PID 1 the other
		default:
			_ = unix.Kill(child, received.(unix.Signal)) // ESRCH: SIGCHLD is on its way
		}
	}
	return errors.New("no signals any more")
}

// startChild starts the command, in a process group of its own that is the
// terminal's foreground, so that ^C reaches the command and not us.
func startChild(s *Spec, path string) (pid int, err error) {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if s.Terminal {
		attributes.Foreground = true
		attributes.Ctty = 0
	}
	pid, err = syscall.ForkExec(path, s.Args, &syscall.ProcAttr{
		Env:   s.Env,
		Files: []uintptr{0, 1, 2},
		Sys:   attributes,
	})
	if err != nil {
		return 0, &fs.PathError{Op: "exec", Path: s.Args[0], Err: err}
	}
	return pid, nil
}

// reapAll collects every child that has ended; several SIGCHLD may have
// arrived as one.
func reapAll(child int) (status unix.WaitStatus, ended bool) {
	for {
		var one unix.WaitStatus
		pid, err := unix.Wait4(-1, &one, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if pid <= 0 || err != nil {
			return status, ended
		}
		if pid == child {
			status, ended = one, true
		}
	}
}
