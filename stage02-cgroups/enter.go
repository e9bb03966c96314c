package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	namespaces "cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// prepareBirth arranges that the next clone bears the child into the group.
//
// Version 2 has a flag for that, CLONE_INTO_CGROUP (clone(2), Linux 5.7), which
// takes the open directory.
//
// Version 1 has none, but a child starts in the cgroups of the thread that
// clones it. So this thread pays them a visit: it goes in, clones, and goes
// home. The usual way, writing the child's pid into cgroup.procs afterwards,
// moves a whole process, and for that the kernel stops every fork and exit of
// the machine; the first such write waits out an RCU grace period, 7 to 20 ms
// on the machine of this book. A "0" in tasks moves the calling thread alone,
// without that lock (Linux 5.5, commit 9a3284fad42f): 0.6 ms for all.
func (at *site) prepareBirth(p *namespaces.Process) error {
	g, err := at.group()
	if doesWithout(err) {
		return nil
	}
	if err == nil && at.spec.Target != 0 {
		err = g.roomToJoin()
	}
	if err != nil {
		return err
	}
	if g.version == 2 {
		if err := g.mayEnter(); err != nil {
			return err
		}
		p.Cgroup, err = os.OpenFile(g.home(), unix.O_PATH|unix.O_DIRECTORY, 0)
		return err
	}
	// The first thread stays out: version 1 charges a process's memory to the
	// group of its first thread. Then enter does it the usual way. Locked before
	// it is asked for: Go might go on with us on another thread in between.
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		runtime.UnlockOSThread()
		return nil
	}
	for i, place := range g.places {
		if err := write(place.dir, "tasks", "0"); err != nil {
			if i == 0 {
				runtime.UnlockOSThread() // it never left: endBirth will have nothing to do
			}
			return err
		}
	}
	return nil
}

// endBirth undoes prepareBirth. The thread's home is where the process's first
// thread is.
func (at *site) endBirth(p *namespaces.Process) error {
	if p.Cgroup != nil {
		err := p.Cgroup.Close()
		p.Cgroup = nil
		return err
	}
	g, err := at.group()
	if err != nil || g.version == 2 {
		return nil // no group, no visit
	}
	visiting, err := memberships("/proc/thread-self/cgroup")
	if err != nil || !slices.ContainsFunc(g.places, visiting.includes) {
		return err
	}
	if err := at.goHome(g.path, visiting); err != nil {
		return err // the thread stays locked: Go ends it together with the goroutine
	}
	runtime.UnlockOSThread()
	return nil
}

func (at *site) goHome(path string, visiting membership) error {
	system, err := at.detect()
	if err != nil {
		return err
	}
	visited := system.group(path)
	home, err := memberships("/proc/self/cgroup")
	if err != nil {
		return err
	}
	var errs []error
	for i, h := range system.Hierarchies {
		if !visiting.includes(visited.places[i]) {
			continue
		}
		below, err := filepath.Rel(h.Root, home[h.Controllers[0]])
		if err == nil {
			err = write(filepath.Join(h.Mountpoint, below), "tasks", "0")
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// enter ends the birth, and moves the child where it wasn't born in place.
func (at *site) enter(p *namespaces.Process) error {
	bornInside := p.Cgroup != nil
	if err := at.endBirth(p); err != nil || bornInside {
		return err
	}
	g, err := at.group()
	if doesWithout(err) {
		return nil
	}
	if err != nil {
		return err
	}
	born, err := memberships(fmt.Sprintf("/proc/%d/cgroup", p.Pid))
	if err != nil {
		return err
	}
	for _, place := range g.places {
		if born.includes(place) {
			continue
		}
		if err := write(place.dir, "cgroup.procs", strconv.Itoa(p.Pid)); err != nil {
			return err
		}
	}
	return nil
}

// membership tells by controller which groups of version 1 a thread is in.
type membership map[string]string

func memberships(file string) (membership, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseMemberships(f)
}

// parseMemberships reads lines
//
//	4:memory:/cooper/1234
//	2:cpu,cpuacct:/cooper/1234
//	0::/                          version 2, without a controller's name
//
// as cgroups(7) describes /proc/PID/cgroup.
func parseMemberships(r io.Reader) (membership, error) {
	of := membership{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		_, rest, _ := strings.Cut(lines.Text(), ":")
		names, path, _ := strings.Cut(rest, ":")
		for name := range strings.SplitSeq(names, ",") {
			of[name] = path
		}
	}
	return of, lines.Err()
}

func (m membership) includes(p place) bool {
	return len(p.controllers) > 0 && m[p.controllers[0]] == p.member
}
