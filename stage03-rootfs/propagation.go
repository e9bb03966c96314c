package rootfs

import (
	"fmt"
	"os"

	namespaces "cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// Propagation says what a mount has to do with its copies elsewhere: in a
// container's bind of /media, does a disk appear that the host mounts there
// later? See mount_namespaces(7).
//
//	              the host mounts below    the container mounts below
//	private       not seen in here         not seen out there     the default
//	slave         seen in here             not seen out there
//	shared        seen in here             seen out there
//	unbindable    as private, and nobody can bind it elsewhere
//
// With an r in front the word is meant for the mounts below as well.
var propagations = map[string]uint64{
	"private": unix.MS_PRIVATE, "slave": unix.MS_SLAVE, "shared": unix.MS_SHARED, "unbindable": unix.MS_UNBINDABLE,
	"rprivate": unix.MS_PRIVATE, "rslave": unix.MS_SLAVE, "rshared": unix.MS_SHARED, "runbindable": unix.MS_UNBINDABLE,
}

func (o *mountOptions) propagate(option string) bool {
	propagation, known := propagations[option]
	if known {
		// A mount below a private one stays private even without the r: ties
		// that nobody asked for are holes.
		o.propagation, o.propagates = propagation, option[0] == 'r' || propagation == unix.MS_PRIVATE
	}
	return known
}

// tied tells whether the mount keeps a tie to the one on the host.
func (o *mountOptions) tied() bool {
	return o.propagation == unix.MS_SHARED || o.propagation == unix.MS_SLAVE
}

// Tied are the copies of such mounts, by destination, from the step that makes
// them to the one that puts them in their places. Binds of another container's
// mounts are among them.
type Tied map[string]*os.File

// OpenTied lists the step that comes before all others inside: binds that are
// to stay tied to the host's mounts have to be copied while our own mounts
// still are, since namespaces/private_mounts cuts the ties for good. A copy
// that is detached by then keeps its own. Those of another container are found
// through the host's /proc, which we are about to leave.
//
// The other engines leave the whole mount namespace tied to the host's for
// the sake of one such bind, and must then take care that none of their own
// mounts gets out.
func OpenTied(s *Spec, tied Tied) []namespaces.Step {
	for _, m := range s.Mounts {
		if options, err := parseOptions(m.Options); err == nil && m.comesFirst(options) {
			return []namespaces.Step{{
				Name: "rootfs/open_tree",
				Why:  "volumes that follow the host's mounts, or that it follows, and mounts of another container are copied before all ties are cut",
				Do:   func() error { return tied.open(s.Mounts) },
			}}
		}
	}
	return nil
}

func (m Mount) comesFirst(options mountOptions) bool {
	return m.isBind() && (options.tied() || m.Namespace != "")
}

func (tied Tied) open(mounts []Mount) error {
	for _, m := range mounts {
		options, err := parseOptions(m.Options)
		if err != nil {
			return err
		}
		if !m.comesFirst(options) {
			continue
		}
		if m.Namespace != "" {
			tied[m.Destination], err = copyFrom(m.Namespace, m.Source, options)
		} else {
			tied[m.Destination], err = copyTied(m.Source, options)
		}
		if err != nil {
			return fmt.Errorf("mount on %s: %w", m.Destination, err)
		}
	}
	return nil
}

func copyTied(source string, options mountOptions) (*os.File, error) {
	file, err := openAbsolute(source, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := requireTie(file, options.propagation); err != nil {
		return nil, err
	}
	return openTree(file, options.recursion())
}

// requireTie fails when the source has no tie that a copy could share: the
// option would silently mean nothing.
func requireTie(source *os.File, propagation uint64) error {
	id, err := mountID(source)
	if err != nil {
		return err
	}
	mountinfo, err := os.Open("/proc/thread-self/mountinfo")
	if err != nil {
		return err
	}
	defer mountinfo.Close()
	shared, slave, err := propagationOf(id, mountinfo)
	switch {
	case err != nil:
		return err
	case propagation == unix.MS_SHARED && !shared:
		return fmt.Errorf("%s is on a mount that isn't shared; mount --make-shared it on the host, or leave the option out: %w", source.Name(), unix.EINVAL)
	case !shared && !slave:
		return fmt.Errorf("%s is on a mount that is neither shared nor a slave; mount --make-shared it on the host, or leave the option out: %w", source.Name(), unix.EINVAL)
	}
	return nil
}

// propagateRoot gives the container's / its propagation, which counts for
// mount namespaces that are made from the container's. It comes after
// pivot_root(2), which refuses a shared root.
func propagateRoot(word string) error {
	root, err := openAbsolute("/", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer root.Close()
	var recursive uint
	if word[0] == 'r' {
		recursive = unix.AT_RECURSIVE
	}
	return mountSetattr(root, recursive, unix.MountAttr{Propagation: propagations[word]})
}
