package engine

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// defaultStopTimeout is how long a container has to end by itself.
const defaultStopTimeout = 10 * time.Second

// lastResort is how long a shim has to report the end of a container that was
// sent SIGKILL. One that is stopped itself never does; then it is killed too.
const lastResort = 10 * time.Second

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

// kill ends the container for certain. ended reports its end.
func (e *Engine) kill(c *container, ended <-chan error) error {
	if err := c.signal(unix.SIGKILL); err != nil && !over(err) {
		return err
	}
	// A frozen process gets even SIGKILL only when it thaws.
	if err := thaw(c.id); err != nil {
		return err
	}
	limit := time.NewTimer(lastResort)
	defer limit.Stop()
	select {
	case err := <-ended:
		return err
	case <-limit.C:
	}
	if err := c.seen.Status.Shim.Signal(unix.SIGKILL); err != nil && !over(err) {
		return err
	}
	return <-ended
}

func thaw(id string) error {
	group, err := cgroups.Open("cooper/" + id)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return group.Thaw()
}

// over tells an error that only says that the container has ended already.
func over(err error) bool {
	return errors.Is(err, unix.ESRCH) || errors.Is(err, ErrNotRunning)
}

// signal sends a signal to the container's first process. Not through the shim,
// which may be the one that hangs.
func (c *container) signal(sig unix.Signal) error {
	if c.seen.Status == nil || c.seen.Status.Init == nil {
		return ErrNotRunning
	}
	return c.seen.Status.Init.Signal(sig)
}

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

// Kill sends a signal: "KILL", "SIGKILL" or "9". After SIGKILL it waits for the
// end, so that `rm` can follow.
func (e *Engine) Kill(ctx context.Context, name, signal string) error {
	sig, err := parseSignal(signal)
	if err != nil {
		return err
	}
	c, err := e.find(name)
	if err != nil {
		return err
	}
	if err := c.usable(); err != nil {
		return err
	}
	if err := e.healed(c); err != nil {
		return err
	}
	if !c.running() {
		return tell(ErrNotRunning, "Cannot kill container: %s: Container %s is not running", quoted(name), c.id)
	}
	if sig == unix.SIGKILL {
		return e.kill(c, e.end(ctx, c))
	}
	err = c.signal(sig)
	if over(err) {
		return tell(ErrNotRunning, "Cannot kill container: %s: Container %s is not running", quoted(name), c.id)
	}
	return err
}

// parseSignal reads "KILL", "SIGKILL", "kill" or "9".
func parseSignal(name string) (unix.Signal, error) {
	if number, err := strconv.Atoi(name); err == nil {
		if number >= 1 && number <= 64 {
			return unix.Signal(number), nil
		}
		return 0, tell(ErrInvalid, "Invalid signal: %s", quoted(name))
	}
	upper := strings.ToUpper(name)
	if !strings.HasPrefix(upper, "SIG") {
		upper = "SIG" + upper
	}
	if sig := unix.SignalNum(upper); sig != 0 {
		return sig, nil
	}
	return 0, tell(ErrInvalid, "Invalid signal: %s", quoted(name))
}
