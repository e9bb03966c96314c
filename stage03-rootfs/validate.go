package rootfs

import (
	"fmt"
	"path/filepath"
	"strings"

	namespaces "cooper/stage01-namespaces"
)

// Validate refuses a Spec that can't become a container, before anything is
// made. What only the container's files can tell, such as whether a user
// exists, comes out when it starts.
func (s *Spec) Validate() error {
	if err := s.Spec.Validate(); err != nil {
		return err
	}
	if s.Target == 0 {
		if err := s.validateRoot(); err != nil {
			return err
		}
	}
	for _, m := range s.Mounts {
		if err := m.validate(); err != nil {
			return err
		}
		if s.IsNew(namespaces.User) && len(m.UIDMappings) > 0 {
			return fmt.Errorf("mount on %s: idmap in a container with a user namespace of its own: only the host's root may map the owners of the host's files", m.Destination)
		}
	}
	for _, check := range []func() error{s.validateDevices, s.validateSysctl, s.validateRlimits, s.validateProcess} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) validateRoot() error {
	if !filepath.IsAbs(s.Rootfs) {
		return fmt.Errorf("root filesystem %q: give the absolute path of a directory", s.Rootfs)
	}
	if filepath.Clean(s.Rootfs) == "/" {
		return fmt.Errorf("root filesystem /: the host's own root can't be a container's")
	}
	if _, known := propagations[s.RootfsPropagation]; s.RootfsPropagation != "" && !known {
		return fmt.Errorf("rootfs propagation %q: use private, slave, shared or unbindable, or rprivate and so on", s.RootfsPropagation)
	}
	if !s.IsNew(namespaces.Mount) {
		return fmt.Errorf("a root filesystem of its own needs a new mount namespace")
	}
	return nil
}

// validate refuses a mount that can be known to be wrong from its words alone.
// Where links in the container lead is seen when it is made.
func (m Mount) validate() error {
	destination := filepath.Clean(m.Destination)
	switch {
	case !filepath.IsAbs(m.Destination) || strings.ContainsRune(m.Destination, 0):
		return fmt.Errorf("mount on %q: the destination must be an absolute path in the container", m.Destination)
	case destination == "/":
		return fmt.Errorf("mount on %q: the destination can't be '/'", m.Destination)
	case m.Type == "" && !m.isBind():
		return fmt.Errorf("mount on %s: give a type, such as bind or tmpfs", m.Destination)
	case m.Type == "volume":
		return fmt.Errorf("mount on %s: volume %q: named volumes come with the engine; give a directory", m.Destination, m.Source)
	case m.isBind() && (!filepath.IsAbs(m.Source) || strings.ContainsRune(m.Source, 0)):
		return fmt.Errorf("mount on %s: the source %q must be an absolute path on the host", m.Destination, m.Source)
	}
	if err := refuseProc(m, nil); err != nil {
		return err
	}
	if m.Namespace != "" && (!m.isBind() || !filepath.IsAbs(m.Namespace) || strings.ContainsRune(m.Namespace, 0)) {
		return fmt.Errorf("mount on %s: the mount namespace %q: give a bind the absolute path of its file, such as /proc/PID/ns/mnt", m.Destination, m.Namespace)
	}
	options, err := parseOptions(m.Options)
	switch {
	case err != nil:
		return fmt.Errorf("mount on %s: %w", m.Destination, err)
	case m.isBind() && len(options.data) > 0:
		return fmt.Errorf("mount on %s: unknown option %q: use ro, rw, nosuid, nodev, noexec, noatime, shared, slave, z, Z and the like", m.Destination, options.data[0])
	case m.Namespace != "" && options.tied():
		return fmt.Errorf("mount on %s: shared and slave are ties to the host's mounts, and its source is another container's", m.Destination)
	case options.idmap && !m.isBind():
		return fmt.Errorf("mount on %s: idmap is for binds; files in a new filesystem have the owners that they get", m.Destination)
	case options.idmap && (len(m.UIDMappings) == 0 || len(m.GIDMappings) == 0):
		return fmt.Errorf("mount on %s: idmap needs mappings of uids and gids: write idmap=uids=0-1000-1;gids=0-1000-1", m.Destination)
	case options.copyUp && m.Type != "tmpfs":
		return fmt.Errorf("mount on %s: tmpcopyup is for a tmpfs", m.Destination)
	}
	return nil
}

func (s *Spec) validateDevices() error {
	for _, d := range s.Devices {
		if d.Type != "c" && d.Type != "b" {
			return fmt.Errorf("device %s: type %q: use c or b", d.Path, d.Type)
		}
		if !filepath.IsAbs(d.Path) || strings.ContainsRune(d.Path, 0) {
			return fmt.Errorf("device %q: give an absolute path", d.Path)
		}
		if !isAccess(d.Access) {
			return fmt.Errorf("device %s: access %q: use some of r, w and m", d.Path, d.Access)
		}
	}
	return nil
}

func (s *Spec) validateProcess() error {
	if err := validateUser(s.User); err != nil {
		return err
	}
	if s.Cwd != "" && !filepath.IsAbs(s.Cwd) {
		return fmt.Errorf("working directory %q: must be an absolute path", s.Cwd)
	}
	if score := s.OOMScoreAdj; score != nil && (*score < -1000 || *score > 1000) {
		return fmt.Errorf("oom_score_adj %d: must be from -1000 to 1000", *score)
	}
	for _, label := range []string{s.ApparmorProfile, s.SelinuxLabel, s.MountLabel} {
		if strings.ContainsAny(label, "\x00\n") {
			return fmt.Errorf("label %q: control character", label)
		}
	}
	return s.validateCapabilities()
}
