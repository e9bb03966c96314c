package namespaces

import (
	"errors"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// reaperName is what argv[0] is of the init.
const reaperName = "container-reaper"

// reaperArgs are those with which our own binary is executed once more, as an
// init for the command:
//
//	container-reaper TERMINAL PATH ARG…
//
// Why not just go on as we are? Capabilities and, set by raw system calls,
// user ids belong to a thread. The steps have confined the main thread, and
// the runtime's other threads still have all that the engine has. A container
// that writes to the memory of its own PID 1, which it may, would write into
// theirs. After an exec there is one thread, the confined one, and all that it
// makes are like it.
func reaperArgs(s *Spec, path string) []string {
	return append([]string{reaperName, strconv.FormatBool(s.Terminal), path}, s.Args...)
}

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
func superviseAsInit(terminal bool, path string, args []string) error {
	unix.CloseOnExec(eventsFD)
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	child, err := startChild(terminal, path, args)
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
func startChild(terminal bool, path string, args []string) (pid int, err error) {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if terminal {
		attributes.Foreground = true
		attributes.Ctty = 0
	}
	pid, err = syscall.ForkExec(path, args, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   attributes,
	})
	if err != nil {
		return 0, &fs.PathError{Op: "exec", Path: args[0], Err: err}
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
