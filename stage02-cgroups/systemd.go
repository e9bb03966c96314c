package cgroups

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Where systemd runs, it considers the tree of version 2 as its own: it makes
// and removes groups as its units come and go, and a group that somebody else
// made beside them is one that it may take a controller away from. But it gives
// parts of the tree away to who asks, to do there whatever they like. A part is
// a unit of the kind scope:
//
//	/sys/fs/cgroup                 systemd's
//	└─ system.slice                systemd's; slices are there to divide
//	   └─ cooper-ID.scope          systemd's; below it everything is ours
//	      ├─ supervisor            the engine's own process
//	      └─ container             the container's
//
// "Control Group APIs and Delegation" (systemd.io/CGROUP_DELEGATION) has the
// rules. The container's group isn't the scope itself, whose files are systemd's
// to write: it would undo our limits when it reads its configuration anew.

// Who makes a container's group.
const (
	Cgroupfs = "cgroupfs" // we do, as a directory
	Systemd  = "systemd"  // systemd does; version 2 only
)

// Driver is who should make the groups of this machine's containers.
func Driver() string {
	if !systemdRuns() {
		return Cgroupfs
	}
	// Its tree of version 1 is shared with everybody, and younger releases don't
	// know it any more.
	system, err := Detect()
	if err != nil || system.Version == 1 {
		return Cgroupfs
	}
	return Systemd
}

// systemdRuns reports whether systemd is the init of this machine, as
// sd_booted(3) has it, and can be asked for something.
func systemdRuns() bool {
	if !isDir("/run/systemd/system") {
		return false
	}
	_, err := os.Stat(busSocket())
	return err == nil
}

// scope is a part of systemd's tree that was left to us.
type scope struct {
	slice string // "system.slice"
	unit  string // "cooper-ID.scope"
}

// inScope is the container's group in its scope.
const inScope = "container"

// ScopePath is the CgroupPath of a container whose group systemd makes, in a
// slice such as "system.slice" or "web-shop.slice". Empty is system.slice, and
// user.slice without root.
func ScopePath(slice, id string) (string, error) {
	if slice == "" {
		slice = "system.slice"
		if isUnprivileged() {
			slice = "user.slice"
		}
	}
	dir, err := slicePath(slice)
	if err != nil {
		return "", err
	}
	return path.Join(dir, parent+"-"+id+".scope", inScope), nil
}

// slicePath is where a slice's group is. Its name tells where: web-shop.slice is
// inside web.slice, and "-.slice" is the top; see systemd.slice(5).
func slicePath(slice string) (string, error) {
	name, found := strings.CutSuffix(slice, ".slice")
	if slice == "-.slice" {
		return "", nil
	}
	parts := strings.Split(name, "-")
	dir := ""
	for i, part := range parts {
		if !found || part == "" || strings.ContainsAny(part, "/\n\x00") {
			return "", fmt.Errorf("cgroup parent %q: with systemd it must be a slice, such as web.slice or web-shop.slice", slice)
		}
		dir = path.Join(dir, strings.Join(parts[:i+1], "-")+".slice")
	}
	return dir, nil
}

// scopeOf finds the scope in a path that ScopePath made.
func scopeOf(cgroup string) (scope, error) {
	above, unit := path.Split(path.Dir(cgroup))
	slice := path.Base(path.Clean("/" + above))
	if slice == "/" {
		slice = "-.slice"
	}
	dir, err := slicePath(slice)
	if err != nil || path.Clean("/"+above) != "/"+dir || path.Base(cgroup) != inScope || path.Ext(unit) != ".scope" {
		return scope{}, fmt.Errorf("cgroup path %q: with systemd it must name a scope in a slice, such as system.slice/%s-web.scope/%s", cgroup, parent, inScope)
	}
	return scope{slice, unit}, nil
}

// askForScope has systemd put this process into the container's scope, whose
// controllers are then ours to hand on.
//
// A scope begins with a process that is there already, and ends by itself with
// its last one. So it's us who go first, and the container comes after, born
// where it belongs. That keeps the two together, too: who stops the session, or
// the service, that we were started from doesn't stop the container.
func (m *making) askForScope() error {
	cgroup, err := m.spec.path()
	if err != nil {
		return err
	}
	sc, err := scopeOf(cgroup)
	if err != nil {
		return err
	}
	if err := sc.start("Container " + m.spec.ID); err != nil {
		return fmt.Errorf("ask systemd for %s: %w (the driver %s does without)", sc.unit, err, Cgroupfs)
	}
	system, err := m.detect()
	if err != nil {
		return err
	}
	dir := filepath.Join(system.Hierarchies[0].Mountpoint, path.Dir(cgroup))
	if err := enableDelegated(dir); err != nil {
		return fmt.Errorf("divide what systemd left to us: %w", err)
	}
	return nil
}
