package cgroups

import (
	"fmt"
	"path/filepath"
	"strings"

	namespaces "cooper/stage01-namespaces"
)

// Join makes the Spec that of one more process of the container that process
// pid is in: in its namespaces, its cgroup and with its session keyring.
func (s *Spec) Join(pid int) error {
	path, err := PathOf(pid)
	if err != nil {
		return err
	}
	s.Target, s.CgroupPath, s.ID = pid, path, idIn(path)
	if path == "" { // then nobody else knows the container's ID either
		s.ID = namespaces.NewID()
	}
	return nil
}

// idIn finds the container's ID in its path: cooper/ID, or with systemd
// system.slice/cooper-ID.scope/container. Two containers with one name would
// share a session keyring.
func idIn(path string) string {
	above, name := filepath.Split(path)
	unit, isScope := strings.CutSuffix(filepath.Base(above), ".scope")
	if name != inScope || !isScope {
		return name
	}
	return strings.TrimPrefix(unit, parent+"-")
}

// PathOf returns the CgroupPath of the container that a process is in, so that
// another process can join it there. It is empty for a user's container that
// has no group of its own: that is in the user's, as we are.
func PathOf(pid int) (string, error) {
	system, err := Detect()
	if err != nil {
		return "", err
	}
	in, err := memberships(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "", err
	}
	own, err := memberships("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	top := system.Hierarchies[len(system.Hierarchies)-1] // the one by which a container's processes are found
	name := ""
	if system.Version == 1 {
		name = top.Controllers[0]
	}
	if in[name] == own[name] && isUnprivileged() {
		return "", nil
	}
	path, err := filepath.Rel(top.Root, in[name])
	if err != nil {
		return "", fmt.Errorf("find the cgroup of process %d: %w", pid, err)
	}
	return checkPath(path)
}
