package cgroups

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long freezing and removing wait for the kernel. A process in
// an uninterruptible sleep, on a dead network disk for one, can keep them
// waiting for ever.
const patience = 10 * time.Second

// Freeze stops every process of the group where it is, without a signal that
// it could notice, and returns when all stand still.
func (g *Group) Freeze() error {
	if err := g.freezeWith(func() error { return nil }); err != nil {
		return errors.Join(err, g.Thaw())
	}
	return nil
}

// freezeWith calls look at least once while the group freezes, and once more
// when all stand still.
func (g *Group) freezeWith(look func() error) error {
	dir, err := g.freezer()
	if err != nil {
		return err
	}
	if g.version == 1 {
		err = freeze1(dir, look)
	} else if err = write(dir, "cgroup.freeze", "1"); err == nil {
		err = errors.Join(look(), awaitEvent(dir, "frozen 1"))
	}
	if err != nil {
		return fmt.Errorf("freeze cgroup %s: %w", g.path, err)
	}
	return look()
}

// Thaw lets them go on.
func (g *Group) Thaw() error {
	dir, err := g.freezer()
	if err != nil {
		return err
	}
	if g.version == 2 {
		return write(dir, "cgroup.freeze", "0")
	}
	return write(dir, "freezer.state", "THAWED")
}

// Frozen reports whether the group was told to freeze.
func (g *Group) Frozen() (bool, error) {
	dir, err := g.freezer()
	if err != nil {
		return false, err
	}
	if g.version == 2 {
		state, err := read(dir, "cgroup.freeze")
		return state == "1", err
	}
	state, err := read(dir, "freezer.state")
	return state == "FROZEN" || state == "FREEZING", err
}

func (g *Group) freezer() (string, error) {
	dir, present := g.dir("freezer")
	if !present {
		return "", fmt.Errorf("freeze cgroup %s: this machine has no freezer controller mounted (see /proc/cgroups)", g.path)
	}
	return dir, nil
}

// freeze1 has to look again and again: version 1 has no event for it. The
// state is FREEZING until the last process stands still, mostly for less than
// a millisecond; it isn't on any container's way into life.
func freeze1(dir string, look func() error) error {
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-again.C {
		// Each write also reaches children that were born meanwhile.
		if err := write(dir, "freezer.state", "FROZEN"); err != nil {
			return err
		}
		if err := look(); err != nil {
			return err
		}
		state, err := read(dir, "freezer.state")
		if err != nil || state == "FROZEN" {
			return err
		}
	}
	return fmt.Errorf("some process won't stand still: %w", unix.EBUSY)
}

// awaitEvent waits until a line such as "populated 0" stands in cgroup.events
// of version 2. The kernel wakes who polls the open file; see "[Un]populated
// Notification" in admin-guide/cgroup-v2.rst. It is no error when the group
// vanishes meanwhile.
func awaitEvent(dir, line string) error {
	events, err := os.Open(filepath.Join(dir, "cgroup.events"))
	if err != nil {
		return forgiveGone(err)
	}
	defer events.Close()
	for deadline := time.Now().Add(patience); ; {
		// Reading from the start is what arms the next wake-up.
		text, err := io.ReadAll(io.NewSectionReader(events, 0, 1<<12))
		if err != nil {
			return forgiveGone(err)
		}
		if strings.Contains("\n"+string(text), "\n"+line+"\n") {
			return nil
		}
		if err := poll(int(events.Fd()), unix.POLLPRI, deadline); err != nil {
			return fmt.Errorf("wait for %q: %w", line, err)
		}
	}
}

// poll waits for one descriptor; after the deadline the error is EBUSY.
func poll(fd int, events int16, deadline time.Time) error {
	for {
		left := max(time.Until(deadline), 0)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, int(left.Milliseconds()))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n == 0:
			return unix.EBUSY
		}
		return nil
	}
}

func forgiveGone(err error) error {
	if gone(err) {
		return nil
	}
	return err
}
