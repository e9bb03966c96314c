package namespaces

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// command is what the child becomes. All that its exec needs is made ready
// beforehand, because a later stage may shut the child in between: below a
// seccomp filter it can't be sure of more memory, nor of any call that Go's
// runtime makes for it.
type command struct {
	spec *Spec

	path       *byte
	argv, envv []*byte
	event      []byte  // tells the parent that the exec is next
	record     record  // tells it that the exec failed
	byte       [1]byte // the parent's permission
}

// program is the name of what the child executes.
func (s *Spec) program() string {
	if s.Init {
		return reaperName
	}
	return s.Args[0]
}

// prepare finds the command, and lays out what execve(2) takes.
func (c *command) prepare() error {
	path, args, err := c.find()
	if err != nil {
		return err
	}
	if c.path, err = unix.BytePtrFromString(path); err != nil {
		return &fs.PathError{Op: "exec", Path: c.spec.Args[0], Err: err}
	}
	if c.argv, err = syscall.SlicePtrFromStrings(args); err != nil {
		return &fs.PathError{Op: "exec", Path: c.spec.Args[0], Err: err}
	}
	if c.envv, err = syscall.SlicePtrFromStrings(c.spec.Env); err != nil {
		return &fs.PathError{Op: "exec", Path: c.spec.Args[0], Err: err}
	}
	c.event = fmt.Appendf(nil, `{"inside":true,"step":%q,"why":%q}`, stepExec, whyExec)
	return nil
}

// find returns what is executed, and its arguments. An empty path stands for our
// own binary.
func (c *command) find() (path string, args []string, err error) {
	if c.spec.Ourselves {
		return "", c.spec.Args, nil
	}
	path, err = findProgram(c.spec.Args[0], c.spec.Env)
	if c.spec.Init {
		return "", reaperArgs(c.spec, path), err
	}
	return path, c.spec.Args, err
}

// exec makes the child the command, or an init for it. It doesn't return: when
// it fails, it tells the parent and ends. A handful of raw system calls is all
// that it takes. The time of the event is the parent's to tell: where the
// kernel's clock can't be read without a call (clocksource hpet, say), a filter
// may deny it, and Go takes whatever is on its stack for the time.
func (c *command) exec() error {
	Pin()
	// There is nobody to tell when this fails; see report.
	_, _, _ = unix.RawSyscall(unix.SYS_WRITE, eventsFD, uintptr(unsafe.Pointer(&c.event[0])), uintptr(len(c.event)))
	if c.spec.HoldExec && !c.mayGoOn() {
		exit(1) // the parent gave up, or was killed
	}
	var errno syscall.Errno
	if *c.path == 0 {
		_, _, errno = unix.RawSyscall6(unix.SYS_EXECVEAT, exeFD, uintptr(unsafe.Pointer(c.path)),
			uintptr(unsafe.Pointer(&c.argv[0])), uintptr(unsafe.Pointer(&c.envv[0])), unix.AT_EMPTY_PATH, 0)
	} else {
		_, _, errno = unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(c.path)),
			uintptr(unsafe.Pointer(&c.argv[0])), uintptr(unsafe.Pointer(&c.envv[0])))
	}
	c.record.say(eventsFD, recordCommand, int32(errno))
	exit(1)
	return errno
}

// mayGoOn waits for the parent's one byte, see Process.BeforeExec. End-of-file
// in its place means that there is no parent any more.
func (c *command) mayGoOn() bool {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, eventsFD, uintptr(unsafe.Pointer(&c.byte)), 1)
		if errno != unix.EINTR {
			return n == 1 && errno == 0
		}
	}
}

// keepStdio lets the command inherit nothing but its first three descriptors,
// whatever we or a library left open (CVE-2024-21626). An init inherits one
// more: through it the parent must still hear whether the command could be
// executed.
func (c *command) keepStdio() error {
	if err := unix.CloseRange(firstClosed, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return os.NewSyscallError("close_range", err)
	}
	if !c.spec.Init {
		return nil
	}
	_, err := unix.FcntlInt(eventsFD, unix.F_SETFD, 0)
	return os.NewSyscallError("fcntl", err)
}

// errNotFound is Docker's wording, by which its clients know exit code 127.
var errNotFound = errors.New("executable file not found in $PATH")

// findProgram finds a command as a shell does: a name with a slash is a path,
// any other is searched for in the container's own PATH.
func findProgram(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	denied := false
	for _, dir := range filepath.SplitList(searchPath(env)) {
		if dir == "" {
			dir = "."
		}
		path := filepath.Join(dir, name)
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		if unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
		denied = true
	}
	if denied {
		return "", &fs.PathError{Op: "exec", Path: name, Err: unix.EACCES}
	}
	return "", &notFound{name}
}

// notFound is ENOENT with Docker's words.
type notFound struct{ name string }

func (e *notFound) Error() string   { return "exec " + e.name + ": " + errNotFound.Error() }
func (e *notFound) Unwrap() []error { return []error{errNotFound, unix.ENOENT} }

// DefaultPath is the search path of a container that has none of its own.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func searchPath(env []string) string {
	path := DefaultPath
	for _, pair := range env {
		if value, found := strings.CutPrefix(pair, "PATH="); found {
			path = value
		}
	}
	return path
}

// dieWithParent has the kernel kill the command when its parent ends, so that
// no container runs unsupervised. A change of user clears it.
func dieWithParent() error {
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	// It may have ended just before. Its pid can't tell: across a pid
	// namespace getppid is 0. But its end of the socket is closed then.
	poll := []unix.PollFd{{Fd: eventsFD}}
	if _, err := unix.Poll(poll, 0); err == nil && poll[0].Revents&unix.POLLHUP != 0 {
		return errors.New("the parent ended")
	}
	return nil
}

// defaultSignals gives every signal its default action: exec resets handlers
// but keeps what is ignored, such as SIGHUP under nohup, and a container must
// not depend on how the engine was started.
func defaultSignals() error {
	var action [4]uint64 // struct kernel_sigaction: handler SIG_DFL, no flags, no mask
	for sig := uintptr(1); sig <= 64; sig++ {
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	}
	return nil // SIGKILL and SIGSTOP have no other action, and say so
}
