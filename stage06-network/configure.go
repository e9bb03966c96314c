package network

import (
	"fmt"
	"slices"

	namespaces "cooper/stage01-namespaces"
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
		return
	case s.Network.Mode.Container() != "":
		ns.Path = fmt.Sprintf("/proc/%d/ns/net", s.Network.Joined)
	}
	s.Namespaces = append(s.Namespaces, ns)
}
