package cli

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"cooper/stage01-namespaces"
	"cooper/stage05-images/registry"
	"cooper/stage07-cli/engine"

	"golang.org/x/sys/unix"
)

// This is the edge: below it errors say only what failed ("rootfs/pivot_root:
// invalid argument"); here they get what a person needs next, the advice and
// the chapter:
//
//	cooper: rootfs/pivot_root: invalid argument
//	hint: …
//	see docs/03-rootfs.md#rootfspivot_root
//
// and the exit status of the program. For run, exec, "start -a" and wait that
// is the container's own. Otherwise, as Docker's users know it:
//
//	  1  the command failed
//	125  the command line was wrong, or run failed before there was a command
//	126  the command can't be executed
//	127  the command isn't there
//	128+n  the command died of signal n

// A usageError says that the command line itself is wrong.
type usageError struct {
	path    string // "cooper run"; "" where the command is still to be named
	message string
}

func (e *usageError) Error() string { return e.message }

// An exitError carries a status to the end of the program. Err is nil where
// there is nothing to say, because the container has said it.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exitWith ends the program with the container's status; 0 is no error.
func exitWith(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code}
}

// failedToStart marks an error of run, start or exec with the status that
// tells why there was no command: 125, 126 or 127.
func failedToStart(err error) error {
	if err == nil {
		return nil
	}
	var already *exitError
	if errors.As(err, &already) {
		return err
	}
	return &exitError{engine.ExitCode(err), err}
}

// report prints an error for people and returns the exit status.
func report(w io.Writer, err error) int {
	if err == nil {
		return 0
	}
	var usage *usageError
	if errors.As(err, &usage) {
		fmt.Fprintf(w, "cooper: %s\n", cleanLines(err.Error()))
		fmt.Fprintf(w, "See '%s --help'.\n", usage.path)
		return 125
	}
	code := 1
	var exit *exitError
	if errors.As(err, &exit) {
		code, err = exit.code, exit.err
	}
	if err == nil {
		return code
	}
	fmt.Fprintf(w, "cooper: %s\n", cleanLines(err.Error()))
	if hint := advice(err); hint != "" {
		fmt.Fprintf(w, "hint: %s\n", hint)
	}
	var step *namespaces.StepError
	if errors.As(err, &step) {
		if chapter := namespaces.Chapter(step.Step); chapter != "" {
			fmt.Fprintf(w, "see %s\n", chapter)
		}
	}
	return code
}

// trace is --debug: every layer of an error with its type, the outermost first.
func trace(w io.Writer, err error) {
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(w, "debug: %T: %s\n", err, cleanLines(err.Error()))
	}
}

// advice returns what to do about an error, or "" where nobody knows. A step
// knows more than an errno, so the steps come first.
func advice(err error) string {
	var step *namespaces.StepError
	if errors.As(err, &step) {
		for _, known := range stepAdvice() {
			if strings.HasPrefix(step.Step, known.step) && (known.cause == nil || errors.Is(err, known.cause)) {
				return known.hint
			}
		}
	}
	for _, known := range errnoAdvice() {
		if errors.Is(err, known.cause) {
			return known.hint
		}
	}
	return ""
}

type hint struct {
	step  string // the beginning of a step's name
	cause error  // nil for any
	hint  string
}

func stepAdvice() []hint {
	return []hint{
		{"namespaces/find_command", unix.ENOENT, "the image has no such program in its PATH; 'cooper run -it IMAGE sh' lets you look"},
		{"namespaces/find_command", unix.EACCES, "the file is there but isn't executable; chmod +x it in the image"},
		{"namespaces/exec", unix.ENOENT, "the image has no such program in its PATH; 'cooper run -it IMAGE sh' lets you look"},
		{"namespaces/exec", unix.EACCES, "the file is there but isn't executable; chmod +x it in the image"},
		{"namespaces/exec", unix.ENOEXEC, "the file is no program for this machine: another architecture, or a script without #!"},
		{"namespaces/clone", unix.EPERM, "new namespaces need root, and a machine that allows them; 'cooper doctor' looks"},
		{"namespaces/clone", unix.ENOSPC, "the limit on namespaces is reached; see /proc/sys/user/max_*_namespaces"},
		{"rootfs/check_filter", unix.EPERM, "add the call to the profile, or take '--security-opt seccomp=unconfined'"},
		{"cgroups/ask_systemd", nil, "'systemctl status dbus' may tell why; '--cgroup-manager cgroupfs' goes without systemd"},
		{"cgroups/", unix.ENOENT, "a cgroup controller is missing; 'cooper doctor' lists them"},
		{"cgroups/", unix.EINVAL, "the kernel refuses this limit; look at the value, and at what the parent cgroup allows"},
		{"cgroups/", unix.EBUSY, "the limit is below what is in use"},
		{"unionfs/overlay", unix.ENODEV, "the kernel has no overlayfs; try 'modprobe overlay'"},
		{"unionfs/overlay", unix.EINVAL, "overlayfs can't use this file system for the writable layer; put --root on ext4 or xfs"},
		{"network/publish", unix.EADDRINUSE, "another program listens there; 'ss -ltnup' shows which"},
		{"network/nat", unix.ENOENT, "the kernel has no nftables; try 'modprobe nf_tables'"},
	}
}

func errnoAdvice() []hint {
	return []hint{
		{"", registry.ErrUnauthorized, "'cooper login HOST' stores a login; for many a registry what you may not see isn't there, and the other way round"},
		{"", tar.ErrHeader, "what was read is no tar archive, plain or packed"},
		{"", unix.EADDRINUSE, "another program listens there; 'ss -ltnup' shows which"},
		{"", unix.ENOSPC, "the disk is full; 'cooper rm' and 'cooper rmi' give room"},
		{"", unix.EDQUOT, "the quota is used up; 'cooper rm' and 'cooper rmi' give room"},
		{"", unix.EROFS, "the state directory can't be written; choose another with --root"},
		{"", unix.ECONNREFUSED, "nothing listens there; look at the host and the port in the name"},
		{"", unix.ENOSYS, "the kernel is too old for this; 'cooper doctor' says what is missing"},
		{"", unix.EMFILE, "too few file descriptors; raise the limit with 'ulimit -n'"},
		{"", fs.ErrPermission, "cooper may not do this; run it as root, or look at 'cooper doctor'"},
	}
}
