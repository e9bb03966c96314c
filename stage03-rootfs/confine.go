package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// wanted is the set of capabilities that the container is to have.
func wanted(s *Spec) (capabilitySet, error) {
	if s.Privileged {
		return capget()
	}
	return parseCapabilities(s.Capabilities)
}

// limitCapabilities drops all but the wanted ones from the bounding set, so
// that no setuid program and no file capability brings them back, and empties
// the ambient set.
func limitCapabilities(s *Spec) error {
	keep, err := wanted(s)
	if err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl PR_CAP_AMBIENT", err)
	}
	for number := range uintptr(64) {
		if keep&(1<<number) != 0 {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, number, 0, 0, 0)
		if err == unix.EINVAL { // beyond the last one that this kernel has
			break
		}
		if err != nil {
			return os.NewSyscallError("prctl PR_CAPBSET_DROP", err)
		}
	}
	return nil
}

// dropCapabilities leaves root the wanted set. Any other user has lost
// everything by the change of uid, and keeps what is ambient alone.
//
// Capabilities belong to a thread, and the Go runtime's other threads keep
// theirs until exec ends them. Meanwhile this thread is as weak as the
// container's root, who might attach to it and write into the memory that all
// threads share (CVE-2016-9962). So nobody may attach from here on: exec lifts
// that. See PR_SET_DUMPABLE in prctl(2), and ptrace(2).
func dropCapabilities(s *Spec) error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl PR_SET_DUMPABLE", err)
	}
	ambient, err := parseCapabilities(s.AmbientCapabilities)
	if err != nil {
		return err
	}
	keep := ambient
	if unix.Geteuid() == 0 {
		if keep, err = wanted(s); err != nil {
			return err
		}
	}
	held, err := capget()
	if err != nil {
		return err
	}
	if missing := keep &^ held; missing != 0 {
		return fmt.Errorf("capset %s: the engine itself doesn't have it: %w", strings.Join(missing.names(), ","), unix.EPERM)
	}
	if err := capset(keep|lentTo(s), keep, ambient); err != nil {
		return err
	}
	return raiseAmbient(ambient)
}

// forbidNewPrivileges makes exec give nothing that the process doesn't have:
// no setuid, no file capabilities. It can't be taken back. See
// PR_SET_NO_NEW_PRIVS in prctl(2).
func forbidNewPrivileges() error {
	return os.NewSyscallError("prctl PR_SET_NO_NEW_PRIVS", unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
}

// containerUmask is what a login shell starts with. The caller's own umask is
// the caller's business.
const containerUmask = 0o022

func setUmask() error {
	unix.Umask(containerUmask)
	return nil
}

// changeDirectory makes cwd the working directory, by descriptor and without
// magic links: /proc/self/fd/7 was a way to the host's files that the engine
// had left open (CVE-2024-21626). Then it asks the kernel where that is.
//
// It is done as root, so that a directory that only its owner may enter will
// do for the working directory of anybody, as with Docker.
func changeDirectory(cwd string) error {
	root, err := openAbsolute("/", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer root.Close()
	dir, err := openInRoot(root, path.Clean("/"+cwd), unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("change to working directory %s: %w", cwd, err)
	}
	defer dir.Close()
	if err := unix.Fchdir(int(dir.Fd())); err != nil {
		return &os.PathError{Op: "fchdir", Path: cwd, Err: err}
	}
	return verifyDirectory()
}

// verifyDirectory fails when the working directory isn't below our root: the
// kernel then says ENOENT, or puts "(unreachable)" in front. See getcwd(2).
func verifyDirectory() error {
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Getcwd(buffer)
	if errors.Is(err, unix.ENOENT) || err == nil && buffer[0] != '/' {
		return fmt.Errorf("check working directory: it is outside the container's root: %w", unix.EPERM)
	}
	if err == nil && n == 0 {
		err = unix.ENOENT
	}
	return os.NewSyscallError("getcwd", err)
}

// makeCwd makes the working directory, before the root becomes read-only.
func (t *tree) makeCwd(cwd string) error {
	dir, err := makeDir(t.root, cwd)
	if err != nil {
		return fmt.Errorf("make working directory %s: %w", cwd, err)
	}
	return dir.Close()
}

// scoreOOM says how good a victim the process is when memory runs out; see
// proc_pid_oom_score_adj(5). Children inherit it.
func scoreOOM(score int) error {
	return writeOwnProc("self/oom_score_adj", strconv.Itoa(score))
}
