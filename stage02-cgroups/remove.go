package cgroups

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Destroy ends what is in the group, waits for its end, and removes the group.
// It is no error when there is none.
func (g *Group) Destroy() error {
	// A container that came to its end by itself left an empty group.
	err := g.removeDirs()
	if !errors.Is(err, unix.EBUSY) {
		return err
	}
	if err := g.Kill(); err != nil {
		return err
	}
	return g.Remove()
}

// Remove removes the group, once its last process has ended, and returns
// EBUSY when that takes longer than ten seconds. It is no error when there is
// none.
//
// rmdir(2) works when no process is left; a killed one may still be about to
// end. The kernel tells when it has: no trying again and again.
func (g *Group) Remove() error {
	err := g.removeDirs()
	for deadline := time.Now().Add(patience); errors.Is(err, unix.EBUSY) && time.Now().Before(deadline); err = g.removeDirs() {
		if err := g.awaitEmpty(deadline); err != nil {
			return fmt.Errorf("remove cgroup %s: %w", g.path, err)
		}
	}
	return err
}

// removeDirs removes the directories of the group in all hierarchies, and with
// the last container those that hold containers' groups.
func (g *Group) removeDirs() error {
	for _, p := range g.places {
		if err := removeTree(p.dir); err != nil {
			return err
		}
		removeAbove(p.dir, g.path)
	}
	return nil
}

// removeAbove removes what is above a group's directory, as far as it is ours
// and empty. If it isn't empty, rmdir refuses (EBUSY), and that is the check.
func removeAbove(dir, path string) {
	for {
		dir, path = filepath.Dir(dir), filepath.Dir(path)
		if !strings.HasPrefix(path+"/", parent+"/") || unix.Rmdir(dir) != nil {
			return
		}
	}
}

// removeTree removes a group and those that were made inside it. os.RemoveAll
// won't do: the files of a cgroup can't be unlinked, they go with rmdir.
func removeTree(dir string) error {
	err := unix.Rmdir(dir)
	if err == unix.EBUSY {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if entry.IsDir() {
				if err := removeTree(filepath.Join(dir, entry.Name())); err != nil {
					return err
				}
			}
		}
		err = unix.Rmdir(dir)
	}
	if err != nil && err != unix.ENOENT {
		return &os.PathError{Op: "rmdir", Path: dir, Err: err}
	}
	return nil
}

// awaitEmpty waits for the end of the group's processes.
//
// Version 2 has an event for it. Version 1 has none, but the processes have
// pidfds, which become readable when a process has ended, though nobody may
// have reaped it; by then it has left its cgroups.
func (g *Group) awaitEmpty(deadline time.Time) error {
	if g.version == 2 {
		return awaitEvent(g.home(), "populated 0")
	}
	pids, err := g.Procs()
	if err != nil {
		return err
	}
	if len(pids) == 0 { // ended since, or not of our pid namespace
		return g.removeDirs()
	}
	for _, pid := range pids {
		if err := awaitExit(pid, deadline); err != nil {
			return fmt.Errorf("process %d doesn't end: %w", pid, err)
		}
	}
	return nil
}

func awaitExit(pid int, deadline time.Time) error {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH || err == unix.EINVAL { // so says Linux 6.1 as long as somebody holds a pidfd of a process that was reaped
		return nil
	}
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(pidfd)
	return poll(pidfd, unix.POLLIN, deadline)
}
