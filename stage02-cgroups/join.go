package cgroups

import (
	"fmt"
	"path/filepath"
)

// PathOf returns the CgroupPath of the container that a process is in, so that
// another process can join it there.
func PathOf(pid int) (string, error) {
	system, err := Detect()
	if err != nil {
		return "", err
	}
	in, err := memberships(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "", err
	}
	top := system.Hierarchies[len(system.Hierarchies)-1] // the one by which a container's processes are found
	name := ""
	if system.Version == 1 {
		name = top.Controllers[0]
	}
	path, err := filepath.Rel(top.Root, in[name])
	if err != nil {
		return "", fmt.Errorf("find the cgroup of process %d: %w", pid, err)
	}
	return checkPath(path)
}
