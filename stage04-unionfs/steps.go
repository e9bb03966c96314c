package unionfs

import (
	"fmt"
	"slices"

	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"
	rootfs "cooper/stage03-rootfs"
)

// Outside lists what the parent does. This stage adds nothing there, so that
// the host's mount table stays as it was and even kill -9 leaves no mount.
func Outside(s *Spec, p *namespaces.Process) []namespaces.Step {
	return slices.Concat(
		cgroups.Create(&s.Spec.Spec, p),
		namespaces.Clone(s.Base(), p),
		cgroups.Enter(&s.Spec.Spec, p),
		namespaces.Release(s, p),
		cgroups.Lower(&s.Spec.Spec, p),
	)
}

// Inside lists what the child does before it becomes the command. A command
// that joins a running container (s.Target) finds all mounts made.
func Inside(s *Spec) []namespaces.Step {
	if s.Target != 0 {
		return rootfs.Inside(&s.Spec)
	}
	tied := rootfs.Tied{}
	return slices.Concat(
		rootfs.OpenTied(&s.Spec, tied),
		namespaces.Isolate(s.Base()), // private mounts first: an overlay mounted before that leaks to the host
		Mount(s),
		rootfs.Enter(&s.Spec, tied), // the union is the directory that it pivots to
		rootfs.Confine(&s.Spec),
		namespaces.Exec(s.Base(), rootfs.Seal(&s.Spec)...),
	)
}

// Mount lists this stage's share: the container's root appears on s.Rootfs.
func Mount(s *Spec) []namespaces.Step {
	if len(s.Lower) == 0 {
		return nil
	}
	return []namespaces.Step{{
		Name: "unionfs/overlay",
		Why:  fmt.Sprintf("%d shared read-only directories and %s become one tree, on %s", len(s.Lower), s.upperInWords(), s.Rootfs),
		Do:   func() error { return mountOverlay(s) },
	}}
}

func (s *Spec) upperInWords() string {
	if s.Upper == "" {
		return "none for changes"
	}
	return "one of the container's own"
}
