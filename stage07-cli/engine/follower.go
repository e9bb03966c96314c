package engine

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// follower waits for changes of a container's log, without ever asking: inotify
// tells of writes and of new files in the directory, a pidfd of the shim's end,
// which a kill -9 gives no other sign of.
type follower struct {
	inotify *os.File
	shim    *os.File // nil once it has ended
	wake    *waker
	ctx     context.Context
}

func newFollower(ctx context.Context, c *container) (_ *follower, err error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("inotify_init1", err)
	}
	f := &follower{inotify: os.NewFile(uintptr(fd), "inotify"), ctx: ctx}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if _, err := unix.InotifyAddWatch(fd, c.dir, unix.IN_MODIFY|unix.IN_CREATE|unix.IN_MOVE|unix.IN_DELETE); err != nil {
		return nil, &os.PathError{Op: "inotify_add_watch", Path: c.dir, Err: err}
	}
	if f.shim, err = c.seen.Status.Shim.Open(); err != nil && !errors.Is(err, unix.ESRCH) {
		return nil, err
	}
	f.wake, err = newWaker(ctx)
	return f, err
}

// next waits for a change. ended: the shim is gone, and all that it wrote is there.
func (f *follower) next() (ended bool, err error) {
	if f.shim == nil {
		return true, nil
	}
	fds := []unix.PollFd{
		{Fd: int32(f.inotify.Fd()), Events: unix.POLLIN},
		{Fd: int32(f.shim.Fd()), Events: unix.POLLIN},
		{Fd: f.wake.fd, Events: unix.POLLIN},
	}
	for {
		_, err := unix.Poll(fds, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false, os.NewSyscallError("poll", err)
		}
		break
	}
	if fds[2].Revents != 0 {
		return false, f.ctx.Err()
	}
	if fds[1].Revents != 0 {
		return true, nil
	}
	return false, f.drain()
}

// drain takes the events: that something changed is all that they must tell.
func (f *follower) drain() error {
	var events [4096]byte
	for {
		_, err := unix.Read(int(f.inotify.Fd()), events[:])
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			return nil
		default:
			return os.NewSyscallError("read", err)
		}
	}
}

func (f *follower) Close() {
	f.inotify.Close()
	if f.shim != nil {
		f.shim.Close()
	}
	if f.wake != nil {
		f.wake.Close()
	}
}
