package network

import (
	"slices"

	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"
	images "cooper/stage05-images"
)

// Outside lists what the parent does. The network is connected between the
// child's birth, which makes its network namespace, and its release.
func Outside(s *Spec, p *namespaces.Process, store *images.Store) []namespaces.Step {
	limits := &s.Spec.Spec.Spec.Spec
	return slices.Concat(
		images.Unpack(&s.Spec, store),
		cgroups.Create(limits, p),
		namespaces.Clone(s.Base(), p),
		cgroups.Enter(limits, p),
		Connect(s, p),
		namespaces.Release(s, p),
		cgroups.Lower(limits, p),
	)
}

// Inside lists what the child does before it becomes the command. The network
// is ready by then.
func Inside(s *Spec) []namespaces.Step { return images.Inside(&s.Spec) }

// Connect returns this stage's share outside: what leads from the container's
// network namespace, which must exist, into the world and back.
//
// The lease comes first: as long as one is held nobody removes the bridge, and
// with the last one it goes. So bridge and nat have no Undo of their own. The
// ports come last of what is reachable: by then there is somewhere to lead to.
func Connect(s *Spec, p *namespaces.Process) []namespaces.Step {
	if s.Target != 0 {
		return nil // it joins a container that is connected
	}
	files := namespaces.Step{
		Name: "network/write_files",
		Why:  "names are looked up in /etc/hosts and /etc/resolv.conf, and the image's can't know this container's address",
		Do:   func() error { return writeFiles(s, "") },
		Undo: func() error { return removeFiles(s) },
	}
	var steps []namespaces.Step
	switch u := (&userMode{spec: s, process: p}); s.Network.Mode {
	case Plugged:
		c := &cabling{spec: s, process: p}
		steps = append(c.plug(), c.publish())
		if s.Network.HasNames() {
			steps = append(steps, c.resolve())
		}
	case Pasta:
		steps = u.pasta()
	case Slirp4netns:
		steps = u.slirp4netns()
	}
	return append(steps, files)
}

// plug connects the container to its networks. What it may forge is looked for
// before it is plugged in.
func (c *cabling) plug() []namespaces.Step {
	steps := []namespaces.Step{
		{
			Name: "network/lease",
			Why:  "an address on each network that no other container has, written down so that it is given back even after kill -9",
			Do:   c.lease,
			Undo: c.giveBack,
		},
		{
			Name: "network/bridge",
			Why:  "a switch in the kernel that a network's containers are plugged into, with the host as their gateway (switches on net.ipv4.ip_forward)",
			Do:   c.makeBridges,
		},
		{
			Name: "network/nat",
			Why:  "the world has no route to the containers' addresses: what they send leaves under the host's, and nobody comes in uncalled",
			Do:   c.makeRules,
		},
		{
			Name: "network/admit",
			Why:  "a drop in any table is final: where another firewall drops all that it doesn't know, it gets two rules that let these bridges' packets pass",
			Do:   c.admit,
		},
		{
			Name: "network/disable_ipv6",
			Why:  "no link to come takes what a router advertises, nor has IPv6 unless its network does",
			Do:   c.quiet,
		},
	}
	if c.spec.guarded() || len(c.spec.Args) == 0 { // of a lost Spec nobody knows
		steps = append(steps, namespaces.Step{
			Name: "network/guard",
			Why:  "with CAP_NET_RAW a container can forge any packet, so the bridge lets only those through that bear its own addresses",
			Do:   c.guard,
			Undo: c.unguard,
		})
	}
	return append(steps, []namespaces.Step{
		{
			Name: "network/veth",
			Why:  "a cable of two links: one end in the bridge, the other born as eth0 in the container",
			Do:   c.layCables,
			Undo: c.removeCables,
		},
		{
			Name: "network/address",
			Why:  "the container's end gets the address, and the bridge as its way out",
			Do:   c.setAddresses,
		},
	}...)
}

// publish leads the published ports to the container.
func (c *cabling) publish() namespaces.Step {
	return namespaces.Step{
		Name: "network/publish",
		Why:  "each published port is an element of a map that the rules look up, in one transaction",
		Do:   c.publishPorts,
		Undo: c.withdraw,
	}
}

// resolve has the container's queries for names answered.
func (c *cabling) resolve() namespaces.Step {
	return namespaces.Step{
		Name: "network/resolver",
		Why:  "neighbours are found by name: 127.0.0.11 in the container is a socket of ours, which looks into the networks' records",
		Do:   c.serveNames,
		Undo: c.stopNames,
	}
}
