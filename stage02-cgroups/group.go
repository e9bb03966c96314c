package cgroups

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Group is one container's cgroup: a directory in each hierarchy.
type Group struct {
	path    string // below the top of each hierarchy: "cooper/ID"
	version int
	places  []place // at least one; the last is where its processes are found
}

// place is a group's directory in one hierarchy.
type place struct {
	dir         string
	member      string   // what /proc/PID/cgroup calls it
	controllers []string // in version 1
}

// Open returns a container's group by its Spec's CgroupPath. An error that is
// fs.ErrNotExist means that there is none, in any hierarchy.
func Open(path string) (*Group, error) {
	system, err := Detect()
	if err != nil {
		return nil, err
	}
	return system.Open(path)
}

// Open is Open for who asks for many groups and looks at the mounts once.
func (s System) Open(path string) (*Group, error) {
	path, err := checkPath(path)
	if err != nil {
		return nil, err
	}
	return s.open(path)
}

func (s System) open(path string) (*Group, error) {
	g := s.group(path)
	g.places = slices.DeleteFunc(g.places, func(p place) bool { return !isDir(p.dir) })
	if len(g.places) == 0 {
		return nil, fmt.Errorf("open cgroup %s: %w", path, fs.ErrNotExist)
	}
	return g, nil
}

// site is where a container's group belongs, for the steps that deal with it.
// The mount table is read once for all of them: on a busy machine it is long.
type site struct {
	spec   *Spec
	detect func() (System, error)
}

func siteOf(s *Spec) *site { return &site{s, sync.OnceValues(Detect)} }

// group opens the container's group.
func (at *site) group() (*Group, error) {
	path, err := at.spec.path()
	if err != nil {
		return nil, err
	}
	system, err := at.detect()
	if err != nil {
		return nil, err
	}
	return system.open(path)
}

// group says where a group is, or would be.
func (s System) group(path string) *Group {
	g := &Group{path: path, version: s.Version}
	for _, h := range s.Hierarchies {
		g.places = append(g.places, place{
			dir:         filepath.Join(h.Mountpoint, path),
			member:      filepath.Join(h.Root, path),
			controllers: h.Controllers,
		})
	}
	return g
}

// Dirs returns the directory of a container's group in each hierarchy, in the
// order of Hierarchies, and none for a container that does without. Stage 3
// shows them to the container.
func (s System) Dirs(spec *Spec) ([]string, error) {
	path, err := spec.path()
	if err != nil {
		return nil, err
	}
	if s.Hierarchies[0].Delegated == "" {
		s = s.below(spec.CgroupTop)
	}
	g := s.group(path)
	if isUnprivileged() && !isDir(g.home()) {
		return nil, nil
	}
	var dirs []string
	for _, p := range g.places {
		dirs = append(dirs, p.dir)
	}
	return dirs, nil
}

// Path is the group's place below the top of each hierarchy, as in Spec.CgroupPath.
func (g *Group) Path() string { return g.path }

// dir is where the files of a controller are. Version 2 has all of them in one
// directory, and there is no cpuacct, blkio or freezer: every group accounts
// its processor time and can be frozen.
func (g *Group) dir(controller string) (string, bool) {
	for _, p := range g.places {
		if g.version == 2 || slices.Contains(p.controllers, controller) {
			return p.dir, true
		}
	}
	return "", false
}

// home is the directory by which the group's processes are found.
func (g *Group) home() string { return g.places[len(g.places)-1].dir }

// Procs returns the pids of the group's processes, those of groups inside it
// too, as the caller's pid namespace has them.
func (g *Group) Procs() ([]int, error) {
	var pids []int
	err := filepath.WalkDir(g.home(), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			var here []int
			if here, err = g.procsIn(path); err == nil {
				pids = append(pids, here...)
			}
		}
		if gone(err) {
			return nil
		}
		return err
	})
	slices.Sort(pids)
	return slices.Compact(pids), err
}

func (g *Group) procsIn(dir string) ([]int, error) {
	pids, err := readPids(dir, "cgroup.procs")
	if err != nil || g.version == 2 {
		return pids, err
	}
	threads, err := readPids(dir, "tasks")
	return slices.DeleteFunc(pids, func(pid int) bool {
		return !slices.Contains(threads, pid) && isVisitor(pid)
	}), err
}

// isVisitor tells a process that merely has a thread in a group of version 1,
// as an engine has for the moment of a clone (see prepareBirth), from one of
// the group's own: its first thread lives, elsewhere. The first thread of a
// process of the group may be missing too, when it ended before the others.
func isVisitor(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// PID (comm, which may hold anything) STATE …, see proc_pid_stat(5)
	after := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	state := strings.TrimSpace(after)
	return state != "" && !strings.ContainsAny(state[:1], "ZXx")
}

func readPids(dir, file string) ([]int, error) {
	text, err := read(dir, file)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, field := range strings.Fields(text) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, file), err)
		}
		if pid != 0 { // a process that our pid namespace doesn't see
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
