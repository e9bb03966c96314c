package rootfs

import (
	"path/filepath"
	"slices"

	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"

	"golang.org/x/sys/unix"
)

// Outside lists what the parent does. This stage adds nothing there: a root is
// built inside, so that it vanishes with the container.
func Outside(s *Spec, p *namespaces.Process) []namespaces.Step {
	return slices.Concat(
		cgroups.Create(&s.Spec, p),
		namespaces.Clone(s.Base(), p),
		cgroups.Enter(&s.Spec, p),
		namespaces.Release(s, p),
		cgroups.Lower(&s.Spec, p),
	)
}

// Inside lists what the child does before it becomes the command. A command
// that joins a running container (s.Target) finds all mounts made.
func Inside(s *Spec) []namespaces.Step {
	if s.Target != 0 {
		return slices.Concat(
			namespaces.Keyring(s.Base()),
			namespaces.Terminal(s.Base()),
			Confine(s),
			namespaces.Exec(s.Base(), Seal(s)...),
		)
	}
	tied := Tied{}
	return slices.Concat(
		OpenTied(s, tied),
		namespaces.Isolate(s.Base()), // private mounts first: what is mounted before that, the host sees
		Enter(s, tied),
		Confine(s),
		namespaces.Exec(s.Base(), Seal(s)...), // the seal last: the less is done behind it, the more it can forbid
	)
}

// Enter builds the root and goes there. What OpenTied has opened, it puts in
// its place.
func Enter(s *Spec, tied Tied) []namespaces.Step {
	t := &tree{spec: s, tied: tied}
	return slices.Concat(
		[]namespaces.Step{umask(), {
			Name: "rootfs/bind_root",
			Why:  "pivot_root wants a mount, so " + s.Rootfs + " becomes one, on top of itself",
			Do:   func() error { return t.bindRoot(s.Rootfs) },
		}},
		t.mounts(s),
		t.restrictions(s),
		[]namespaces.Step{{
			Name: "rootfs/pivot_root",
			Why:  "the new root becomes /, and the old one is let go with all that is mounted in it",
			Do:   t.pivotRoot,
		}},
		propagation(s),
		terminal(s),
	)
}

// mounts lists one step for each mount of the Spec. The devices come as soon
// as there is a /dev, and before any volume could get into it.
func (t *tree) mounts(s *Spec) []namespaces.Step {
	var steps []namespaces.Step
	for _, m := range s.Mounts {
		if s.Privileged {
			m = m.privileged()
		}
		steps = append(steps, t.mountStep(s, m))
		if m.Type == "tmpfs" && filepath.Clean(m.Destination) == "/dev" {
			steps = append(steps, namespaces.Step{
				Name: "rootfs/devices",
				Why:  "null, zero, full, random, urandom and tty, without which hardly a program runs",
				Do:   func() error { return t.makeDevices(s) },
			})
		}
	}
	return steps
}

// mountStep names a step after what is mounted.
func (t *tree) mountStep(s *Spec, m Mount) namespaces.Step {
	step := namespaces.Step{Do: func() error { return t.mount(m) }}
	kind := m.Type
	if m.isBind() {
		kind = "bind"
	}
	switch kind {
	case "proc":
		step.Name, step.Why = "rootfs/proc", "a procfs that shows this pid namespace, on "
	case "sysfs":
		step.Name, step.Why = "rootfs/sysfs", "the devices and drivers of the kernel, for reading, on "
	case "cgroup":
		step.Name, step.Why = "rootfs/cgroup", "a view of the container's own limits, on "
		step.Do = func() error { return t.mountCgroup(s, m) }
	case "devpts":
		step.Name, step.Why = "rootfs/devpts", "pseudo-terminals that no other container can open, on "
	case "mqueue":
		step.Name, step.Why = "rootfs/mqueue", "the message queues of this ipc namespace, on "
	case "tmpfs":
		step.Name, step.Why = "rootfs/tmpfs", "memory as a filesystem, gone with the container, on "
	case "bind":
		step.Name, step.Why = "rootfs/bind", m.Source+" of the host, on "
	default:
		step.Name, step.Why = "rootfs/filesystem", "a filesystem of type "+m.Type+", on "
	}
	step.Why += m.Destination
	return step
}

// restrictions lists what is done to the finished tree: last the root itself.
func (t *tree) restrictions(s *Spec) []namespaces.Step {
	var steps []namespaces.Step
	if len(s.sysctls()) > 0 {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/sysctl",
			Why:  "kernel parameters of the container's own namespaces, while /proc/sys can be written",
			Do:   func() error { return t.setSysctls(s) },
		})
	}
	if len(s.MaskedPaths) > 0 && !s.Privileged {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/mask",
			Why:  "/proc and /sys tell too much about the machine: files read as empty, directories are empty",
			Do:   func() error { return t.hideDetails(s.MaskedPaths) },
		})
	}
	if len(s.ReadonlyPaths) > 0 && !s.Privileged {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/readonly_paths",
			Why:  "/proc/sys and its like change the whole machine when written",
			Do:   func() error { return t.makeReadonly(s.ReadonlyPaths) },
		})
	}
	if s.Cwd != "" {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/mkdir_cwd",
			Why:  "the working directory " + s.Cwd + " is made if it is missing",
			Do:   func() error { return t.makeCwd(s.Cwd) },
		})
	}
	if s.ReadonlyRootfs {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/readonly_root",
			Why:  "nothing in the root can be changed; volumes and /dev are mounts of their own",
			Do:   t.readonlyRoot,
		})
	}
	return steps
}

// propagation lists what pivot_root had to come before: it refuses a shared /.
func propagation(s *Spec) []namespaces.Step {
	if propagations[s.RootfsPropagation] == 0 || propagations[s.RootfsPropagation] == unix.MS_PRIVATE {
		return nil
	}
	return []namespaces.Step{{
		Name: "rootfs/root_propagation",
		Why:  "/ is " + s.RootfsPropagation + " towards mount namespaces that the container makes",
		Do:   func() error { return propagateRoot(s.RootfsPropagation) },
	}}
}

// terminal lists the terminal and its second name: it is opened in the new
// root, so that it belongs to the container's own /dev/pts.
func terminal(s *Spec) []namespaces.Step {
	steps := namespaces.Terminal(s.Base())
	if len(steps) == 0 {
		return nil
	}
	return append(steps, namespaces.Step{
		Name: "rootfs/console",
		Why:  "/dev/console is where programs look for whoever runs the machine: the same terminal",
		Do:   bindConsole,
	})
}
