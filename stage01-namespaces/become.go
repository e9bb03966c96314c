package namespaces

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// become turns the child into the command, or into an init for it, for which
// exe is our own binary. It returns only the reason why it couldn't.
func become(s *Spec, exe int) error {
	path, err := findProgram(s.Args[0], s.Env)
	if err != nil {
		return err
	}
	report(message{Event: Event{Time: time.Now(), Inside: true, Step: stepExec, Why: "the command takes this process over; whatever is left of us ends here"}})
	if err := dieWithParent(s); err != nil {
		return err
	}
	// Nothing that we or a library left open may reach the command (CVE-2024-21626).
	if err := unix.CloseRange(firstFree, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return os.NewSyscallError("close_range", err)
	}
	defaultSignals()
	if s.Init {
		return becomeInit(s, path, exe)
	}
	return &fs.PathError{Op: "exec", Path: s.Args[0], Err: unix.Exec(path, s.Args, s.Env)}
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
// no container runs unsupervised. It comes last: a change of user clears it.
func dieWithParent(s *Spec) error {
	if s.OutliveParent {
		return nil
	}
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
func defaultSignals() {
	var action [4]uint64 // struct kernel_sigaction: handler SIG_DFL, no flags, no mask
	for sig := uintptr(1); sig <= 64; sig++ {
		_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	}
}
