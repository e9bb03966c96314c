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

// socketFD is where the shim finds the socket to whoever spawned it.
const socketFD = 3

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
	// The child's socket becomes its descriptor 3. If the binary had that number,
	// which another goroutine may just have set free, it would execute the socket.
	binary, err := unix.FcntlInt(exe.Fd(), unix.F_DUPFD_CLOEXEC, socketFD+1)
	if err != nil {
		unix.Close(ours)
		return nil, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
	}
	defer unix.Close(binary)
	// Not os.StartProcess: its first use makes a process just to see whether
	// pidfds work.
	pid, err := syscall.ForkExec(fmt.Sprintf("/proc/self/fd/%d", binary), []string{argv0}, &syscall.ProcAttr{
		Dir: "/", // or the user's directory could not be unmounted while the container lives
		// Go's runtime reads these before any of our code runs. One processor
		// is enough for a process that waits. Garbage is collected only when
		// there is much of it, which in most shims is never: the collector's
		// own tables take more memory (0.7 MB, measured) than all that a start
		// leaves behind.
		Env:   []string{"GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=10MiB"},
		Files: []uintptr{uintptr(null), uintptr(null), uintptr(null), uintptr(theirs)},
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
