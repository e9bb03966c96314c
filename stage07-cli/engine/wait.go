package engine

import (
	"context"
	"errors"
	"os"

	"cooper/stage07-cli/shim"
)

// Wait waits until the container has ended and returns its exit code; that of
// one that has ended before is returned at once, and 0 for one that never ran.
func (e *Engine) Wait(ctx context.Context, name string) (exitCode int, err error) {
	c, err := e.find(name)
	if err != nil {
		return 0, err
	}
	for {
		if err := c.usable(); err != nil {
			return 0, err
		}
		if !c.active() {
			if err := e.healed(c); err != nil {
				return 0, err
			}
			if c.seen.Exit == nil {
				return 0, nil
			}
			return c.seen.Exit.ExitCode, nil
		}
		code, err := e.askForEnd(ctx, c)
		if !errors.Is(err, shim.ErrGone) {
			return code, err
		}
		// It ended while we asked: the answer is on the disk.
		if err := e.awaitShim(ctx, c); err != nil {
			return 0, err
		}
		if c, err = e.load(c.id); os.IsNotExist(err) {
			return 0, noSuchContainer(name)
		} else if err != nil {
			return 0, err
		}
	}
}

// askForEnd waits for the shim's last word.
func (e *Engine) askForEnd(ctx context.Context, c *container) (exitCode int, err error) {
	client, err := shim.Connect(e.Volatile(c.id))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	stop := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stop()
	exit, err := client.Wait()
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err != nil {
		return 0, err
	}
	return exit.ExitCode, nil
}
