package engine

import (
	"errors"
	"os"

	"cooper/stage02-cgroups"
	"golang.org/x/sys/unix"
)

// Pause stops all processes of a container where they are, by its cgroup's
// freezer. They don't notice: a signal they could, and handle.
func (e *Engine) Pause(name string) error {
	c, lock, err := e.claim(name)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := c.mustRun(); err != nil {
		return err
	}
	if c.paused() {
		return tell(ErrConflict, "Container %s is already paused", c.id)
	}
	group, err := c.group()
	if err != nil {
		return err
	}
	return group.Freeze()
}

// Unpause lets them go on.
func (e *Engine) Unpause(name string) error {
	c, lock, err := e.claim(name)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := c.mustRun(); err != nil {
		return err
	}
	if !c.paused() {
		return tell(ErrConflict, "Container %s is not paused", c.id)
	}
	return c.thaw()
}

// group opens the container's cgroup; fs.ErrNotExist says that it has ended.
func (c *container) group() (*cgroups.Group, error) {
	system, err := cgroups.Detect()
	if err != nil {
		return nil, err
	}
	return c.groupOn(system)
}

// groupOn is group for who looks for many groups.
func (c *container) groupOn(system cgroups.System) (*cgroups.Group, error) {
	path, err := c.config.Options.cgroup(c.id)
	if err != nil {
		return nil, err
	}
	return system.Open(path)
}

// paused reports whether the container is frozen. It isn't stored either: the
// freezer knows.
func (c *container) paused() bool {
	system, err := cgroups.Detect()
	return err == nil && c.pausedOn(system)
}

func (c *container) pausedOn(system cgroups.System) bool {
	if !c.running() {
		return false
	}
	group, err := c.groupOn(system)
	if err != nil {
		return false
	}
	frozen, err := group.Frozen()
	return err == nil && frozen
}

// freeze stops the container's processes until thaw is called; those of a
// paused one stay as they are.
func (c *container) freeze() (thaw func() error, err error) {
	group, err := c.group()
	if errors.Is(err, os.ErrNotExist) || err == nil && c.paused() {
		return func() error { return nil }, nil // it has just ended, or stands still already
	}
	if err != nil {
		return nil, err
	}
	return group.Thaw, group.Freeze()
}

// thaw lets the processes of a paused container go on. It is no error when
// there are none, or when they weren't paused.
func (c *container) thaw() error {
	if !c.paused() {
		return nil
	}
	group, err := c.group()
	if err == nil {
		err = group.Thaw()
	}
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return nil // it has ended
	}
	return err
}
