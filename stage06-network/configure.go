package network

import (
	"fmt"
	"slices"

	namespaces "cooper/stage01-namespaces"
	rootfs "cooper/stage03-rootfs"
)

// Configure makes the Spec's network namespace the one that its Mode asks for
// (a new one, none, or another container's) and mounts the files of FilesDir.
// Call it when both are settled, and again when Joined is another process.
func Configure(s *Spec) {
	s.Namespaces = slices.DeleteFunc(s.Namespaces, func(ns namespaces.Namespace) bool {
		return ns.Kind == namespaces.Network
	})
	mountFiles(s)
	ns := namespaces.Namespace{Kind: namespaces.Network}
	switch {
	case s.Network.Mode == Host:
		shareSysfs(s)
		return
	case s.Network.Mode.Container() != "":
		ns.Path = fmt.Sprintf("/proc/%d/ns/net", s.Network.Joined)
	}
	s.Namespaces = append(s.Namespaces, ns)
}

// shareSysfs shows a user's container the host's /sys where it has the host's
// network: a sysfs of its own takes root over the network namespace, whose links
// it shows.
func shareSysfs(s *Spec) {
	if !s.IsNew(namespaces.User) {
		return
	}
	s.Mounts = slices.Clone(s.Mounts)
	for i, m := range s.Mounts {
		if m.Type == "sysfs" {
			s.Mounts[i] = rootfs.Mount{Type: "bind", Source: "/sys", Destination: m.Destination, Options: append(slices.Clone(m.Options), "rbind", "rprivate")}
		}
	}
}
