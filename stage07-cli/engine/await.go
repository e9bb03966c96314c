package engine

import (
	"context"
	"errors"
	"os"

	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// end reports when the container has ended and its shim has tidied up.
func (e *Engine) end(ctx context.Context, c *container) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- e.awaitShim(ctx, c) }()
	return ended
}

// awaitShim waits until the container's shim has gone, and heals what it may
// have left.
func (e *Engine) awaitShim(ctx context.Context, c *container) error {
	if err := awaitTask(ctx, c.seen.Status.Shim); err != nil {
		return err
	}
	again, err := e.load(c.id)
	if os.IsNotExist(err) {
		return nil // --rm
	}
	if err != nil {
		return err
	}
	return e.healed(again)
}

// healed heals a container whose shim is dead.
func (e *Engine) healed(c *container) error {
	if c.seen.Phase != state.Died {
		return nil
	}
	lock, err := e.lock(c)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	return e.heal(c)
}

// awaitTask waits for the end of a process that isn't our child: a pidfd
// becomes readable then; see pidfd_open(2).
func awaitTask(ctx context.Context, task state.Task) error {
	pidfd, err := task.Open()
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if err != nil {
		return err
	}
	defer pidfd.Close()
	return pollIn(ctx, int(pidfd.Fd()))
}

// pollIn waits until the descriptor is readable, or the context is done.
func pollIn(ctx context.Context, fd int) error {
	wake, err := newWaker(ctx)
	if err != nil {
		return err
	}
	defer wake.Close()
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}, {Fd: wake.fd, Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return os.NewSyscallError("poll", err)
		case fds[0].Revents != 0:
			return nil
		default:
			return ctx.Err()
		}
	}
}
