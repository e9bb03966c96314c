package namespaces

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Exit codes that Docker, Podman and shells agree on. See also Exit status in
// bash(1).
const (
	ExitEngine        = 125 // the container could not be made
	ExitNotExecutable = 126 // the command is there but can't be executed
	ExitNotFound      = 127 // there is no such command
)

// ExitCode tells what to exit with after an error of Launch: 127 or 126 when
// the command couldn't be found or executed, and 125 for anything else.
func ExitCode(err error) int {
	var step *StepError
	if !errors.As(err, &step) || step.Step != stepExec && step.Step != stepFind {
		return ExitEngine
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return ExitNotFound
	}
	return ExitNotExecutable
}

// ExitStatus is what a shell would report: the exit code, or 128 and the
// number of the signal that ended the process.
func ExitStatus(status unix.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

func describe(status unix.WaitStatus) string {
	if status.Signaled() {
		return "killed by " + unix.SignalName(status.Signal())
	}
	return fmt.Sprintf("exit status %d", status.ExitStatus())
}
