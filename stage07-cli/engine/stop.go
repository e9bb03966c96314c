package engine

import (
	"context"
	"errors"
	"time"

	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// defaultStopTimeout is how long a container has to end by itself.
const defaultStopTimeout = 10 * time.Second

// Stop asks the container to end (its stop signal) and kills it after timeout;
// nil is the container's own, and a negative one waits for ever. A container
// that doesn't run is left alone.
func (e *Engine) Stop(ctx context.Context, name string, timeout *time.Duration) error {
	c, err := e.find(name)
	if err != nil {
		return err
	}
	if err := c.usable(); err != nil {
		return err
	}
	if c.seen.Phase == state.Starting {
		if c, err = e.started(c); err != nil {
			return err
		}
	}
	if !c.active() {
		return e.healed(c)
	}
	sig, err := e.stopSignal(c)
	if err != nil {
		return err
	}
	limit := c.stopTimeout()
	if timeout != nil {
		limit = *timeout
	}
	// Waiting begins before the signal is sent, so that a quick end isn't missed.
	ended := e.end(ctx, c)
	if err := c.signal(sig); err != nil && !over(err) {
		return err
	}
	if err := c.thaw(); err != nil { // paused, it could not heed the signal
		return err
	}
	ctx, cancel := withLimit(ctx, limit)
	defer cancel()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	return e.kill(c, ended)
}

// started waits until a start that is under way has succeeded or failed: it
// holds the lock.
func (e *Engine) started(c *container) (*container, error) {
	lock, err := e.lock(c)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	return e.load(c.id)
}

func withLimit(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}

func (e *Engine) stopSignal(c *container) (unix.Signal, error) {
	name := c.config.Options.StopSignal
	if name == "" {
		if img, err := e.store.Find(c.config.ImageID); err == nil {
			name = img.Config.Config.StopSignal
		}
	}
	if name == "" {
		return unix.SIGTERM, nil
	}
	return parseSignal(name)
}

func (c *container) stopTimeout() time.Duration {
	if seconds := c.config.Options.StopTimeout; seconds != nil {
		return time.Duration(*seconds) * time.Second
	}
	return defaultStopTimeout
}
