package rootfs

import namespaces "cooper/stage01-namespaces"

// Confine takes from the process what the command shouldn't have. It mounts
// nothing, so it is also for a command that joins a running container.
//
// The order is forced: raising a limit, leaving a directory that only root
// may enter, dropping from the bounding set, and changing the user all need
// capabilities that a later step takes away.
func Confine(s *Spec) []namespaces.Step {
	var steps []namespaces.Step
	if s.Target != 0 {
		steps = append(steps, umask())
	}
	if s.OOMScoreAdj != nil {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/oom_score_adj",
			Why:  "how good a victim this container is when the machine runs out of memory",
			Do:   func() error { return scoreOOM(*s.OOMScoreAdj) },
		})
	}
	if len(s.Rlimits) > 0 {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/raise_rlimits",
			Why:  "hard limits above our own, while we may raise them",
			Do:   func() error { return raiseRlimits(s.Rlimits) },
		})
	}
	steps = append(steps,
		namespaces.Step{
			Name: "rootfs/chdir",
			Why:  "into the working directory, which must be one of the container's",
			Do:   func() error { return changeDirectory(s.Cwd) },
		},
		namespaces.Step{
			Name: "rootfs/capbset_drop",
			Why:  "what isn't in the bounding set can't come back, not by a setuid program either",
			Do:   func() error { return limitCapabilities(s) },
		},
		namespaces.Step{
			Name: "rootfs/setresuid",
			Why:  "the groups, the gid and the uid of the user, from the container's own files",
			Do:   func() error { return becomeUser(s) },
		},
		namespaces.Step{
			Name: "rootfs/capset",
			Why:  "root keeps a few capabilities, everybody else none",
			Do:   func() error { return dropCapabilities(s) },
		},
	)
	steps = append(steps, labels(s)...)
	if s.NoNewPrivileges {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/no_new_privs",
			Why:  "no program that it executes may give it more than it has",
			Do:   forbidNewPrivileges,
		})
	}
	return steps
}

// Seal lists what is taken away last, when the exec has been made ready: files,
// memory, system calls. We couldn't finish our own work without. From the limits
// on nothing asks for memory any more, so the filter is laid out before them.
func Seal(s *Spec) []namespaces.Step {
	var steps []namespaces.Step
	f := &filter{spec: s}
	if len(s.SeccompFilter) > 0 {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/check_filter",
			Why:  "a filter that forbids the exec is refused as long as there is somebody to say so",
			Do:   f.check,
		})
	}
	if len(s.Rlimits) > 0 {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/setrlimit",
			Why:  "open files, memory, core size: limits for each process of the container, and for us from here on",
			Do:   func() error { return setRlimits(s.Rlimits) },
		})
	}
	if len(s.SeccompFilter) > 0 {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/seccomp",
			Why:  "from here on the kernel runs a filter at each system call, and some it doesn't make",
			Do:   f.load,
		})
	}
	return steps
}

func umask() namespaces.Step {
	return namespaces.Step{
		Name: "rootfs/umask",
		Why:  "022, whatever the caller has: what is made from here on has the modes that it should have",
		Do:   setUmask,
	}
}
