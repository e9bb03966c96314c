package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

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
// ends then. In version 1 the signals are taken when it thaws.
//
// But who sleeps uninterruptibly won't freeze, and there is such a sleep from
// which only SIGKILL wakes: on a network disk, or at a memory limit without the
// OOM killer. So the signals don't wait until all stand still. Each look kills
// who is new on the list, and the last look comes after the last fork.
func (g *Group) killOneByOne() error {
	if !isDir(g.home()) {
		return nil
	}
	killed := map[int]bool{}
	err := g.freezeWith(func() error { return g.killNew(killed) })
	return errors.Join(err, g.thawAll())
}

func (g *Group) killNew(killed map[int]bool) error {
	pids, err := g.Procs()
	errs := []error{err}
	for _, pid := range pids {
		if killed[pid] {
			continue
		}
		killed[pid] = true
		if err := unix.Kill(pid, unix.SIGKILL); err != nil && err != unix.ESRCH {
			errs = append(errs, os.NewSyscallError("kill", err))
		}
	}
	return errors.Join(errs...)
}

// thawAll thaws the groups inside the group too, which may have been frozen by
// themselves: in version 1 who is frozen doesn't die.
func (g *Group) thawAll() error {
	if g.version == 2 {
		return forgiveGone(g.Thaw())
	}
	dir, err := g.freezer()
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = write(path, "freezer.state", "THAWED")
		}
		return forgiveGone(err)
	})
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
