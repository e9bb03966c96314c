package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// making is the container's group from the first step to the last.
type making struct {
	*site
	refused bool // create failed, and left nothing: what has our name is somebody else's
}

func (m *making) create() error {
	m.refused = true
	path, err := m.spec.path()
	if err != nil {
		return err
	}
	if err := errors.Join(m.spec.Limits.validate(), m.spec.validateInit()); err != nil {
		return err
	}
	system, err := m.detect()
	if err != nil {
		return err
	}
	if err := system.create(path); err != nil {
		return m.explainDenied(err)
	}
	m.refused, m.spec.CgroupTop = false, system.Hierarchies[0].Delegated
	return nil
}

// undo ends whatever is in the group and removes it. A fresh process can do it
// too, from the Spec alone, and wherever create was killed: the group may be
// missing in some hierarchies, or in all, and what was made for it be there.
func (m *making) undo() error {
	if m.refused {
		return nil
	}
	path, err := m.spec.path()
	if err != nil {
		return err
	}
	system, err := m.detect()
	if err != nil {
		return err
	}
	g, err := system.open(path)
	if err == nil {
		err = g.Destroy()
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		return err
	}
	for _, p := range system.group(path).places {
		removeAbove(p.dir, path)
	}
	return nil
}

// create makes the group's directory in every hierarchy, or in none.
//
// Every hierarchy, also those without a limit: the counts of stats come from
// there, and a limit may be set later. One directory takes 30 to 110 µs.
func (s System) create(path string) error {
	for i, h := range s.Hierarchies {
		if err := h.create(path, s.Version); err != nil {
			made := System{s.Version, s.Hierarchies[:i]}
			return errors.Join(err, made.group(path).Remove())
		}
	}
	return nil
}

// attempts bounds how often create starts again. Each time, another
// container's end must have removed the common parent in between.
const attempts = 1000

// create makes the group's directory, and those above it. The last one must be
// new: two containers in one cgroup would share their limits and their end.
func (h Hierarchy) create(path string, version int) error {
	var err error
	for range attempts {
		if err = h.tryCreate(path, version); !gone(err) {
			break
		}
	}
	if err != nil {
		removeAbove(filepath.Join(h.Mountpoint, path), path)
	}
	return err
}

func (h Hierarchy) tryCreate(path string, version int) error {
	dir := h.Mountpoint
	names := strings.Split(path, "/")
	for i, name := range names {
		if version == 2 {
			if err := h.enable(dir); err != nil {
				return err
			}
		}
		dir = filepath.Join(dir, name)
		isLast := i == len(names)-1
		if err := os.Mkdir(dir, 0o755); err != nil && (isLast || !errors.Is(err, fs.ErrExist)) {
			return err
		}
		if slices.Contains(h.Controllers, "cpuset") {
			if err := fillCPUSet(dir); err != nil {
				return errors.Join(err, removeLast(dir, isLast))
			}
		}
	}
	return nil
}

// enable has the controllers appear in dir's children.
func (h Hierarchy) enable(dir string) error {
	if h.Delegated != "" && dir == h.Mountpoint {
		return enableDelegated(dir)
	}
	return enableControllers(dir)
}

func removeLast(dir string, isLast bool) error {
	if !isLast {
		return nil
	}
	return ifPresent(os.Remove(dir))
}

// enableControllers makes the controllers of ours that dir has appear in its
// children; version 2 does so level by level. What another program enabled
// stays, and so does what we enable at the top.
//
// A group with children that have controllers can't hold processes of its own
// (the "no internal process" rule of cgroups(7)), except for the very top.
func enableControllers(dir string) error {
	missing, err := missingControllers(dir)
	if err != nil || missing == nil {
		return err
	}
	err = write(dir, "cgroup.subtree_control", strings.Join(missing, " "))
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("%w (processes live in this cgroup itself: move them into a child of it first)", err)
	}
	return err
}

// missingControllers are those that could be enabled, each with its "+".
func missingControllers(dir string) (missing []string, err error) {
	available, err := read(dir, "cgroup.controllers")
	if err != nil {
		return nil, err
	}
	enabled, err := read(dir, "cgroup.subtree_control")
	if err != nil {
		return nil, err
	}
	for _, controller := range []string{"cpu", "cpuset", "io", "memory", "pids", "hugetlb", "rdma"} {
		if slices.Contains(strings.Fields(available), controller) && !slices.Contains(strings.Fields(enabled), controller) {
			missing = append(missing, "+"+controller)
		}
	}
	return missing, nil
}
