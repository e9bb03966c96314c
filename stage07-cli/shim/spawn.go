package shim

import (
	"fmt"
	"os"
	"syscall"

	"cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// argv0 is the name by which Main knows that it is the shim.
const argv0 = "cooper-shim"

// Descriptors that the shim is born with, behind its standard streams.
const (
	socketFD = 3 // the socket to whoever spawned it

	// binaryFD is our binary, for the exec alone: settle closes it. Had it only
	// the number that it has in the parent, then with other goroutines about
	// ForkExec might put a descriptor of its own there, and execute that.
	binaryFD = 4
)

// Spawn starts a shim that waits for its job. Closed before it gets one, it
// ends by itself: so a caller may spawn early, while it still prepares the job.
func Spawn() (*Client, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := pair[0], pair[1]
	defer unix.Close(theirs)
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		unix.Close(ours)
		return nil, &os.PathError{Op: "open", Path: os.DevNull, Err: err}
	}
	defer unix.Close(null)
	// The shim joins containers. A process of one that is powerful enough could
	// then open the shim's own binary, so that must not be the engine's file.
	exe, err := namespaces.OpenSealed()
	if err != nil {
		unix.Close(ours)
		return nil, fmt.Errorf("open our own binary: %w", err)
	}
	defer exe.Close()
	// Not os.StartProcess: its first use makes a process just to see whether
	// pidfds work.
	pid, err := syscall.ForkExec(fmt.Sprintf("/proc/self/fd/%d", binaryFD), []string{argv0}, &syscall.ProcAttr{
		Dir: "/", // or the user's directory could not be unmounted while the container lives
		// Go's runtime reads these before any of our code runs. One processor
		// is enough for a process that waits. Garbage is collected only when
		// there is much of it, which in most shims is never: the collector's
		// own tables take more memory (0.7 MB, measured) than all that a start
		// leaves behind.
		Env:   []string{"GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=10MiB"},
		Files: []uintptr{uintptr(null), uintptr(null), uintptr(null), uintptr(theirs), exe.Fd()},
		// A session of its own: no ^C and no hangup of the user's terminal reaches it.
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		unix.Close(ours)
		return nil, fmt.Errorf("start shim: %w", err)
	}
	// It is reaped by whoever adopts it when we end; but a server that stays
	// must not gather zombies.
	go func() { _, _ = unix.Wait4(pid, nil, 0, nil) }()
	return &Client{conn: os.NewFile(uintptr(ours), "shim")}, nil
}

// Give sends the job. lock, the container's flock'd file, goes along and is the
// shim's from then on: the start is finished, or undone, under it, even if we
// are killed. The caller still closes its own copy.
func (c *Client) Give(j *Job, lock *os.File) error {
	return c.send(job, j, lock)
}
