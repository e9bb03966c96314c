package engine

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lastResort is how long a shim has to report the end of a container that was
// sent SIGKILL. One that is stopped itself never does; then it is killed too.
const lastResort = 10 * time.Second

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
	// Paused, it would take the signal only some day; Docker resumes it, too.
	return errors.Join(err, c.thaw())
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

// kill ends the container for certain. ended reports its end.
func (e *Engine) kill(c *container, ended <-chan error) error {
	if err := c.signal(unix.SIGKILL); err != nil && !over(err) {
		return err
	}
	// A frozen process gets even SIGKILL only when it thaws.
	if err := c.thaw(); err != nil {
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
