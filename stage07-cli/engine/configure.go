package engine

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"cooper/stage02-cgroups"
	"cooper/stage03-rootfs"
	"cooper/stage05-images"
	"cooper/stage06-network"
)

// defaultPids is how many processes a container may have that asks for no
// number: Podman's. A fork bomb then ends at the container's wall.
const defaultPids = 2048

// configure turns what the user asked for into a Spec: the stages' defaults,
// then the image's, then the user's own wishes. Nothing is made.
func (e *Engine) configure(id string, o *CreateOptions, img *images.Image, mounts []rootfs.Mount) (*network.Spec, error) {
	s := e.bareSpec(id)
	s.Spec.Spec.Spec = rootfs.Defaults()
	s.ID, s.CgroupDriver = id, o.CgroupDriver
	var err error
	if s.CgroupPath, err = o.cgroup(id); err != nil {
		return nil, tell(ErrInvalid, "%s", err)
	}
	s.Image = o.Image
	over := images.Overrides{Entrypoint: o.Entrypoint, Args: o.Args, Env: o.Env, User: o.User, Cwd: o.Cwd}
	images.Configure(&s.Spec, img, over)
	dir := e.Container(id)
	s.Rootfs, s.Upper, s.Work = filepath.Join(dir, "rootfs"), filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	s.Lower, s.Volatile = e.store.LayerDirs(img), o.AutoRemove

	s.Terminal, s.Init = o.Terminal, o.Init
	s.Limits = o.Limits
	if s.Limits.Pids == 0 {
		s.Limits.Pids = defaultPids
	}
	s.ReadonlyRootfs = o.ReadOnly
	s.Rlimits, s.Sysctl, s.OOMScoreAdj = o.Rlimits, o.Sysctl, o.OOMScoreAdj
	s.AdditionalGroups = o.Groups
	resizeShm(s, o.ShmSize)
	share(s, &o.Sharing)
	s.Mounts = rootfs.AddMounts(s.Mounts, mounts)
	for _, set := range []func(*network.Spec, *CreateOptions) error{devices, powers, deviceRules, e.networkOf} {
		if err := set(s, o); err != nil {
			return nil, err
		}
	}
	environment(s)
	return s, nil
}

// cgroup is where the container's cgroup is below the top of each hierarchy.
func (o *CreateOptions) cgroup(id string) (string, error) {
	switch {
	case o.CgroupDriver == cgroups.Systemd:
		return cgroups.ScopePath(o.CgroupParent, id)
	case o.CgroupParent == "":
		return "cooper/" + id, nil
	}
	return o.CgroupParent + "/" + id, nil
}

// resizeShm gives /dev/shm another size than the usual 64 MiB.
func resizeShm(s *network.Spec, bytes int64) {
	for i, m := range s.Mounts {
		if m.Destination == shm && bytes > 0 {
			s.Mounts[i].Options = append(withoutSize(m.Options), fmt.Sprintf("size=%d", bytes))
		}
	}
}

func withoutSize(options []string) []string {
	return slices.DeleteFunc(slices.Clone(options), func(o string) bool { return strings.HasPrefix(o, "size=") })
}

// bareSpec holds what everything that is made outside is found again by.
func (e *Engine) bareSpec(id string) *network.Spec {
	s := new(network.Spec)
	s.ID, s.CgroupPath = id, "cooper/"+id
	s.Network.Networks = e.networks()
	s.Network.FilesDir = e.Container(id)
	return s
}

// environment adds what Docker gives every command, unless the user or the
// image has said otherwise.
func environment(s *network.Spec) {
	name := s.Hostname
	if name == "" {
		name = hostName() // what a uts namespace without a name of its own shows
	}
	defaults := []string{"HOSTNAME=" + name}
	if s.Terminal {
		defaults = append(defaults, "TERM=xterm")
	}
	var missing []string
	for _, pair := range defaults {
		key, _, _ := strings.Cut(pair, "=")
		if !slices.ContainsFunc(s.Env, func(have string) bool { return strings.HasPrefix(have, key+"=") }) {
			missing = append(missing, pair)
		}
	}
	s.Env = append(missing, s.Env...)
}

// check refuses a Spec that can't start, while nothing is made yet.
func check(s *network.Spec) error {
	if len(s.Args) == 0 {
		return tell(ErrInvalid, "No command specified: the image names none, so write one after it")
	}
	copied := *s
	if copied.Network.Mode.Container() != "" {
		copied.Network.Joined = 1 // looked up at each start
	}
	if err := copied.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}
