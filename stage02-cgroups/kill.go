package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Kill sends SIGKILL to every process of the group, frozen or not, and of the
// groups inside it. None escapes by forking. It doesn't wait for their end:
// Remove does.
func (g *Group) Kill() error {
	if g.version == 2 {
		err := write(g.home(), "cgroup.kill", "1") // one write, atomic against fork; Linux 5.14
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := g.killOneByOne(); err != nil {
		return fmt.Errorf("kill cgroup %s: %w", g.path, err)
	}
	return nil
}

// killOneByOne is for version 1, and old kernels of version 2. A list of pids
// is outdated as soon as it is read, by a fork, or by an end that sets a pid
// free for somebody else. So the group is frozen first: nobody in it forks or
// ends then. The signals are taken when it thaws.
func (g *Group) killOneByOne() error {
	if !isDir(g.home()) {
		return nil
	}
	if err := g.Freeze(); err != nil {
		return err
	}
	pids, err := g.Procs()
	errs := []error{err}
	for _, pid := range pids {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && err != unix.ESRCH {
			errs = append(errs, os.NewSyscallError("kill", err))
		}
	}
	return errors.Join(append(errs, g.Thaw())...)
}

// killFrozen makes a frozen container mortal again, before the steps that made
// its first process are undone: those kill it and wait for its end, and in
// version 1 a frozen process doesn't even take SIGKILL.
func (at *site) killFrozen() error {
	if at.spec.Target != 0 {
		return nil // it isn't for one that joined to end the others
	}
	g, err := at.group()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || g.version == 2 {
		return err
	}
	if _, present := g.dir("freezer"); !present {
		return nil
	}
	frozen, err := g.Frozen()
	if err != nil || !frozen {
		return forgiveGone(err)
	}
	return g.Kill()
}
