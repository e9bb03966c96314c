package shim

import (
	"fmt"
	"os"
	"syscall"

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
	ours, theirs := os.NewFile(uintptr(pair[0]), "shim"), os.NewFile(uintptr(pair[1]), "shim")
	defer theirs.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		ours.Close()
		return nil, err
	}
	defer null.Close()
	process, err := os.StartProcess("/proc/self/exe", []string{argv0}, &os.ProcAttr{
		Dir: "/", // or the user's directory could not be unmounted while the container lives
		// Go's runtime reads these before any of our code runs. One processor
		// is enough for a process that waits. Garbage is collected only when
		// there is much of it, which in most shims is never: the collector's
		// own tables take more memory (0.7 MB, measured) than all that a start
		// leaves behind.
		Env:   []string{"GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=10MiB"},
		Files: []*os.File{null, null, null, theirs},
		// A session of its own: no ^C and no hangup of the user's terminal reaches it.
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("start shim: %w", err)
	}
	// It is reaped by whoever adopts it when we end. A server that stays must
	// not gather zombies, and a goroutine that waits costs nothing.
	go func() { _, _ = process.Wait() }()
	return &Client{conn: ours}, nil
}

// Give sends the job. lock, the container's flock'd file, goes along and is the
// shim's from then on: the start is finished, or undone, under it, even if we
// are killed. The caller still closes its own copy.
func (c *Client) Give(j *Job, lock *os.File) error {
	return c.send(job, j, lock)
}
