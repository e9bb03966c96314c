package engine

import (
	"context"
	"errors"

	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// RemoveOptions is what `cooper rm` takes.
type RemoveOptions struct {
	Force   bool // kill it first
	Volumes bool // and its anonymous volumes
}

// Remove removes a container. Killed in the middle, the next call goes on.
func (e *Engine) Remove(ctx context.Context, name string, o RemoveOptions) error {
	c, err := e.find(name)
	if err != nil {
		return err
	}
	if c.seen.Phase == state.Corrupt {
		return e.removeCorrupt(ctx, c, o)
	}
	for {
		// One that is just being started is waited for: its start holds the lock.
		if c.seen.Phase == state.Running {
			if !o.Force {
				return tell(ErrConflict, "You cannot remove a running container %s. Stop the container before attempting removal or force remove", c.id)
			}
			if err := e.kill(c, e.end(ctx, c)); err != nil {
				return err
			}
		}
		lock, err := e.lockIdle(ctx, c)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil // --rm was faster, or another rm, or healing was its end
		case errors.Is(err, errRunning):
			continue // started again meanwhile
		case err != nil:
			return err
		}
		defer lock.Close()
		// Whatever the last run may have left, on a power cut for example.
		return errors.Join(e.undo(c), e.discard(c, o.Volumes || c.config.Options.AutoRemove))
	}
}

// removeCorrupt removes a container that can't tell what it is: everything that
// was made of it outside carries its id.
func (e *Engine) removeCorrupt(ctx context.Context, c *container, o RemoveOptions) error {
	if !o.Force {
		return c.usable()
	}
	lock, err := e.lock(c)
	if err != nil {
		return err
	}
	if lock != nil {
		defer lock.Close()
	}
	// Its shim may live, and would go on writing into what is removed here.
	if status := state.Observe(c.dir).Status; status != nil {
		if err := status.Shim.Signal(unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
		if err := awaitTask(ctx, status.Shim); err != nil {
			return err
		}
	}
	return errors.Join(e.undo(c), e.discard(c, o.Volumes))
}
