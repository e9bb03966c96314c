package engine

import (
	"slices"
	"strings"

	"cooper/stage03-rootfs"
	"cooper/stage06-network"
)

// powers settles the capabilities, what --privileged means, and the rest of
// what confines the command.
func powers(s *network.Spec, o *CreateOptions) error {
	held, err := rootfs.HeldCapabilities()
	if err != nil {
		return err
	}
	defaults := s.Capabilities
	if o.Privileged {
		unleash(s)
		defaults = held
	}
	s.Capabilities, err = rootfs.AdjustCapabilities(defaults, held, o.CapAdd, o.CapDrop)
	if err != nil {
		return tell(ErrInvalid, "%s", err)
	}
	if err := secure(s, o); err != nil {
		return tell(ErrInvalid, "%s", err)
	}
	return nil
}

// unleash lifts what holds a container back.
func unleash(s *network.Spec) {
	s.Privileged, s.MaskedPaths, s.ReadonlyPaths = true, nil, nil
	for i := range s.Mounts {
		if s.Mounts[i].Type == "sysfs" || s.Mounts[i].Type == "cgroup" {
			s.Mounts[i].Options = slices.DeleteFunc(slices.Clone(s.Mounts[i].Options), func(o string) bool { return o == "ro" })
		}
	}
}

// secure applies the security options. The filter comes last: it depends on the
// capabilities. A privileged container has none, unless it asks for one.
func secure(s *network.Spec, o *CreateOptions) (err error) {
	profile, others := splitSeccomp(o.SecurityOpt)
	if err := s.Secure(others); err != nil {
		return err
	}
	if profile == "" && o.Privileged {
		profile = "unconfined"
	}
	s.SeccompFilter, err = rootfs.LoadSeccomp(profile, s.Capabilities)
	return err
}

// splitSeccomp takes the seccomp profile out of the security options; the last
// one counts, and "" is the default.
func splitSeccomp(options []string) (profile string, others []string) {
	for _, option := range options {
		if value, found := strings.CutPrefix(option, "seccomp="); found {
			profile = value
		} else {
			others = append(others, option)
		}
	}
	return profile, others
}
