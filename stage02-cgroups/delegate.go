package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Delegation: root may give a part of version 2's tree to a user, by making him
// the owner of a directory and of the files in it that
// /sys/kernel/cgroup/delegate lists. He can then make groups in there and move
// his processes between them, but not out, nor change what limits the whole
// part. systemd does that for each session, so that an engine without root has
// groups, too:
//
//	/sys/fs/cgroup                              root's
//	└─ user.slice/user-1000.slice               root's
//	   └─ user@1000.service                     the user's: the top for us
//	      ├─ app.slice/terminal.scope           where we are
//	      └─ cooper/ID                          the container's
//
// Version 1 knows no safe delegation; there a user has no groups.

// delegated makes the uppermost directory that is ours, on the way up from our
// own group, the top of the tree. For root it is the top already.
//
// Which one it is depends on where a process is, but all of one session find
// the same. The child of a container, which takes its own group for the top
// (cgroup_namespaces(7)), is told by the Spec.
func (s System) delegated() (System, error) {
	top := s.Hierarchies[0]
	if s.Version == 1 || isOurs(top.Mountpoint) {
		return s, nil
	}
	own, err := memberships("/proc/self/cgroup")
	if err != nil {
		return s, err
	}
	below, err := filepath.Rel(top.Root, own[""])
	if err != nil || !filepath.IsLocal(below) {
		return s, nil // we don't see our own group
	}
	ours := ""
	for ; below != "." && isOurs(filepath.Join(top.Mountpoint, below)); below = filepath.Dir(below) {
		ours = below
	}
	return s.below(ours), nil
}

// below is the system with a group of version 2 as its top.
func (s System) below(path string) System {
	if path == "" || s.Version == 1 {
		return s
	}
	top := s.Hierarchies[0]
	return System{2, []Hierarchy{{
		Mountpoint: filepath.Join(top.Mountpoint, path),
		Root:       filepath.Join(top.Root, path),
		Delegated:  filepath.Join(top.Delegated, path),
	}}}
}

// isOurs reports whether we may make groups in a directory and move processes
// to and from them.
func isOurs(dir string) bool {
	for _, file := range []string{"", "cgroup.procs", "cgroup.subtree_control"} {
		if unix.Access(filepath.Join(dir, file), unix.W_OK) != nil {
			return false
		}
	}
	return true
}

// leaf is where those go who are in the way.
const leaf = "supervisor"

// enableDelegated enables the controllers at the top of a delegated tree. As
// long as a process is in that group itself, the kernel refuses (EBUSY): the
// "no internal process" rule. Often that is us, and the shell that we were
// called from; all of them move down into a leaf, where they are as limited as
// before. The tree is ours to arrange; podman moves only itself, and can't limit
// anything when it isn't alone.
//
// Where it can't be done there are no controllers, which doesn't matter to who
// asks no limit: cgroup.freeze and cgroup.kill are there without any.
func enableDelegated(dir string) error {
	for range 10 { // one that forked while we moved it is still there
		empty, err := moveDown(dir)
		if err != nil {
			return err
		}
		if empty {
			return enableEach(dir)
		}
	}
	return nil
}

// moveDown moves the processes of a group to its leaf, and reports whether there
// were none.
func moveDown(dir string) (empty bool, err error) {
	pids, err := readPids(dir, "cgroup.procs")
	if err != nil || len(pids) == 0 {
		return err == nil, err
	}
	if err := os.Mkdir(filepath.Join(dir, leaf), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	for _, pid := range pids {
		if err := write(filepath.Join(dir, leaf), "cgroup.procs", strconv.Itoa(pid)); err != nil && !errors.Is(err, unix.ESRCH) {
			return false, err
		}
	}
	return false, nil
}

// enableEach enables what it can, one by one: cpuset asks for every process in
// the tree whether we may direct it, and one that isn't ours must not cost us
// the memory controller (EPERM).
//
// Nobody may be in the group itself by now. cpu, cpuset and pids the kernel
// would enable all the same, and make the group one whose children are for
// threads only.
func enableEach(dir string) error {
	missing, err := missingControllers(dir)
	for _, controller := range missing {
		if err := write(dir, "cgroup.subtree_control", controller); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return err
}

// mayEnter says what the kernel only refuses (EACCES): who moves a process, or
// bears it elsewhere, must be allowed to in the lowest group that both are in.
// To a user that is what was delegated to him, and a session in which he logged
// in isn't there.
func (g *Group) mayEnter() error {
	if !isUnprivileged() {
		return nil
	}
	own, err := memberships("/proc/self/cgroup")
	if err != nil {
		return err
	}
	above := commonAbove(g.places[0], own[""])
	if err := unix.Access(filepath.Join(above, "cgroup.procs"), unix.W_OK); err != nil {
		return fmt.Errorf("enter cgroup %s: %w (from here it's reached through %s, which isn't this user's; where systemd runs, put systemd-run --user --scope in front)", g.path, err, above)
	}
	return nil
}

// commonAbove is the directory of the lowest group that holds both a place and a
// process's own group.
func commonAbove(p place, own string) string {
	for p.member != "/" && own != p.member && !strings.HasPrefix(own, p.member+"/") {
		p.member, p.dir = filepath.Dir(p.member), filepath.Dir(p.dir)
	}
	return p.dir
}

// explainDenied says what to do about a group that may not be made. Who asks
// for no limits does without: he has no rights to a group, and nothing to lose.
func (m *making) explainDenied(err error) error {
	denied := errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS)
	if !denied || !isUnprivileged() {
		return err
	}
	if reflect.DeepEqual(m.spec.Limits, Limits{}) {
		return nil
	}
	return fmt.Errorf("%w (limits need a cgroup that was delegated to this user; where systemd runs, take --cgroup-manager systemd)", err)
}

// doesWithout reports an error that means that this container has no group,
// since its user may have none.
func doesWithout(err error) bool {
	return errors.Is(err, fs.ErrNotExist) && isUnprivileged()
}

// isUnprivileged reports whether we aren't the machine's root.
func isUnprivileged() bool { return os.Geteuid() != 0 || inUserNamespace() }

// inUserNamespace reports whether we are in one that isn't the machine's first:
// only there all ids are mapped to themselves. See user_namespaces(7).
func inUserNamespace() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295"
}
