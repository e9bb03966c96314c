package cgroups

import (
	"slices"

	namespaces "cooper/stage01-namespaces"
)

// Outside lists what the parent does: the group and its limits stand before
// there is a process to limit, and the child is in it before it may go on.
func Outside(s *Spec, p *namespaces.Process) []namespaces.Step {
	return slices.Concat(
		Create(s, p),
		namespaces.Clone(&s.Spec, p),
		Enter(s, p),
		namespaces.Release(s, p),
		Lower(s, p),
	)
}

// Inside lists what the child does: nothing of this stage. A limit that the
// limited process sets for itself would be none.
func Inside(s *Spec) []namespaces.Step {
	return namespaces.Inside(&s.Spec)
}

// Create makes the group, ready for a child to be born in it; it comes before
// namespaces.Clone. A process that joins a running container (Spec.Target)
// finds the group made.
func Create(s *Spec, p *namespaces.Process) []namespaces.Step {
	at := siteOf(s)
	birth := namespaces.Step{
		Name: "cgroups/clone_into_cgroup",
		Why:  "a child is born in a cgroup: let it be the container's, so that not one instruction of it runs outside",
		Do:   func() error { return at.prepareBirth(p) },
		Undo: func() error { return at.endBirth(p) },
	}
	if s.Target != 0 {
		return []namespaces.Step{birth}
	}
	made := &making{site: at}
	return slices.Concat(delegation(made), makeGroup(made, p), deviceRules(made), []namespaces.Step{birth})
}

func delegation(made *making) []namespaces.Step {
	if made.spec.CgroupDriver != Systemd {
		return nil
	}
	return []namespaces.Step{{
		Name: "cgroups/ask_systemd",
		Why:  "where the tree is systemd's, it is asked for a part of it to make groups in",
		Do:   made.askForScope,
	}}
}

func makeGroup(made *making, p *namespaces.Process) []namespaces.Step {
	return []namespaces.Step{
		{
			Name: "cgroups/create",
			Why:  "a cgroup is a directory: one for the container in each hierarchy",
			Do:   made.create,
			Undo: made.undo,
		},
		{
			Name: "cgroups/limit",
			Why:  "the limits stand before the first process comes in",
			Do:   func() error { return made.limit(p) },
		},
	}
}

func deviceRules(made *making) []namespaces.Step {
	if len(made.spec.DeviceRules) == 0 {
		return nil
	}
	return []namespaces.Step{{
		Name: "cgroups/devices",
		Why:  "root may make a node for any device: whether it may be opened, the kernel asks the cgroup",
		Do:   made.devices,
	}}
}

// Enter makes sure that the child is in its group; it comes after
// namespaces.Clone, before the child is released.
func Enter(s *Spec, p *namespaces.Process) []namespaces.Step {
	at := siteOf(s)
	return []namespaces.Step{{
		Name: "cgroups/enter",
		Why:  "the child is in its cgroup, in every hierarchy, before it may go on",
		Do:   func() error { return at.enter(p) },
		Undo: at.killFrozen,
	}}
}

// Lower sets what the child couldn't have lived with while it was a Go program;
// it comes after namespaces.Release, and is hardly ever asked for.
func Lower(s *Spec, p *namespaces.Process) []namespaces.Step {
	if !s.Limits.fewPids() || s.Target != 0 {
		return nil
	}
	at := siteOf(s)
	return []namespaces.Step{{
		Name: "cgroups/lower_pids",
		Why:  "fewer than a Go program needs: the limit comes when the child has only its exec left to do, which ends its other threads",
		Do:   func() error { return p.BeforeExec(at.lowerPids) },
	}}
}
