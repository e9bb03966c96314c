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

// Inside lists what the child does before it becomes the command.
func Inside(s *Spec) []namespaces.Step {
	return slices.Concat(
		Settle(s),
		images.Inside(&s.Spec),
	)
}

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
		Do:   func() error { return writeFiles(s) },
		Undo: func() error { return removeFiles(s) },
	}
	if s.Network.mode() != Bridge {
		return []namespaces.Step{files}
	}
	return append(plug(s, p), files)
}

// plug connects the container to its bridge.
func plug(s *Spec, p *namespaces.Process) []namespaces.Step {
	return []namespaces.Step{
		{
			Name: "network/lease",
			Why:  "an address that no other container has, written down so that it is given back even after kill -9",
			Do:   func() error { return leaseAddress(s) },
			Undo: func() error { return giveAddressBack(s) },
		},
		{
			Name: "network/bridge",
			Why:  "a switch in the kernel that all containers are plugged into, with the host as their gateway (switches on net.ipv4.ip_forward)",
			Do:   func() error { return plugBridge(s) },
		},
		{
			Name: "network/nat",
			Why:  "the world has no route to the containers' addresses: what they send leaves under the host's",
			Do:   func() error { return makeRules(s) },
		},
		{
			Name: "network/veth",
			Why:  "a cable of two links: one end in the bridge, the other born as eth0 in the container",
			Do:   func() error { return layCable(s, p) },
			Undo: func() error { return removeVeth(vethName(s.ID)) },
		},
		{
			Name: "network/address",
			Why:  "the container's end gets the address, and the bridge as its way out",
			Do:   func() error { return setAddress(s, p) },
		},
		{
			Name: "network/publish",
			Why:  "each published port is an element of a map that the rules look up, in one transaction",
			Do: func() error {
				return publish(s.Network.bridge(), s.Network.Ports, s.Network.Address.Addr())
			},
			Undo: func() error { return withdraw(s) },
		},
	}
}

// Settle returns this stage's share inside, to be taken first: /proc/sys is
// still the host's and can be written to.
func Settle(s *Spec) []namespaces.Step {
	if !s.IsNew(namespaces.Network) {
		return nil
	}
	return []namespaces.Step{{
		Name: "network/disable_ipv6",
		Why:  "this network has none, and a neighbour's router advertisement shall not make one",
		Do:   disableIPv6,
	}}
}
