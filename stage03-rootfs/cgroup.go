package rootfs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	cgroups "cooper/stage02-cgroups"

	"golang.org/x/sys/unix"
)

// mountCgroup shows the container its own cgroup at /sys/fs/cgroup, for
// programs that want to know their limits: the directories that stage 2 made,
// bound. Of version 2 that is one; of version 1 one for each hierarchy, side
// by side in a small tmpfs, as cgroups(7) describes it.
//
// Why not mount the filesystems anew? The cgroup namespace would show the same
// groups; but a hierarchy in which the container has no group of its own would
// be shown whole, with the names of all other containers; and each mount of a
// version 1 hierarchy takes ten times as long as a bind.
//
// A user's container that has no group has none to show. There /sys/fs/cgroup
// stays as sysfs has it: an empty directory.
func (t *tree) mountCgroup(s *Spec, m Mount) error {
	system, err := cgroups.Detect()
	if err != nil {
		return err
	}
	dirs, err := system.Dirs(&s.Spec)
	if err != nil || len(dirs) == 0 {
		return err
	}
	if system.Version == 2 {
		m.Type, m.Source = "bind", dirs[0]
		return t.mount(m)
	}
	return t.mountHierarchies(m, system.Hierarchies, dirs)
}

// mountHierarchies makes the view of version 1. The tmpfs becomes read-only at
// the end, since directories have to be made in it; nobody runs here yet.
func (t *tree) mountHierarchies(m Mount, hierarchies []cgroups.Hierarchy, dirs []string) error {
	readonly := slices.Contains(m.Options, "ro")
	writable := slices.DeleteFunc(slices.Clone(m.Options), func(option string) bool { return option == "ro" })
	err := t.mount(Mount{Type: "tmpfs", Destination: m.Destination, Options: append(writable, "mode=755")})
	if err != nil {
		return err
	}
	top, err := openInRoot(t.root, m.Destination, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer top.Close()
	for i, h := range hierarchies {
		name := filepath.Base(h.Mountpoint)
		bind := Mount{Type: "bind", Source: dirs[i], Destination: m.Destination + "/" + name, Options: m.Options}
		if err := t.mount(bind); err != nil {
			return err
		}
		if err := linkControllers(top, name); err != nil {
			return err
		}
	}
	if !readonly {
		return nil
	}
	return mountSetattr(top, 0, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

// linkControllers lets a controller that shares its hierarchy be found by its
// own name: cpu → cpu,cpuacct.
func linkControllers(dir *os.File, hierarchy string) error {
	names := strings.Split(hierarchy, ",")
	if len(names) == 1 {
		return nil
	}
	for _, name := range names {
		if err := symlinkat(hierarchy, dir, name); err != nil {
			return err
		}
	}
	return nil
}
