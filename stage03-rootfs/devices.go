package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	cgroups "cooper/stage02-cgroups"

	"golang.org/x/sys/unix"
)

// standardDevices are the nodes that every Unix program may count on. A tmpfs
// without them is worse than useless: there `>/dev/null` makes a file.
var standardDevices = []Device{
	{Path: "/dev/null", Type: "c", Major: 1, Minor: 3, Mode: 0o666},
	{Path: "/dev/zero", Type: "c", Major: 1, Minor: 5, Mode: 0o666},
	{Path: "/dev/full", Type: "c", Major: 1, Minor: 7, Mode: 0o666},
	{Path: "/dev/random", Type: "c", Major: 1, Minor: 8, Mode: 0o666},
	{Path: "/dev/urandom", Type: "c", Major: 1, Minor: 9, Mode: 0o666},
	{Path: "/dev/tty", Type: "c", Major: 5, Minor: 0, Mode: 0o666},
}

// standardLinks are the names that shells and programs use for what the
// kernel offers elsewhere.
var standardLinks = []struct{ name, target string }{
	{"ptmx", "pts/ptmx"}, // the multiplexer of the container's own devpts, not the host's
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
}

// makeDevices fills the fresh /dev: the standard devices, those of the Spec,
// for a privileged container all of the host's, and the links.
func (t *tree) makeDevices(s *Spec) error {
	devices := append(standardDevices[:len(standardDevices):len(standardDevices)], s.Devices...)
	if s.Privileged {
		all, err := HostDevices("/dev")
		if err != nil {
			return err
		}
		devices = append(devices, all...)
	}
	old := unix.Umask(0) // the modes are meant as they stand
	defer unix.Umask(old)
	for _, device := range devices {
		if err := t.makeDevice(device); err != nil {
			return err
		}
	}
	return t.makeLinks()
}

func (t *tree) makeLinks() error {
	dev, err := openOrdinaryDir(t.root, "/dev")
	if err != nil {
		return err
	}
	defer dev.Close()
	for _, link := range standardLinks {
		if err := symlinkat(link.target, dev, link.name); err != nil {
			return err
		}
	}
	return nil
}

// makeDevice makes a node. Whether it can be opened is for the device cgroup
// to say. In a user namespace the kernel doesn't let us make nodes; there the
// host's own node is bound in its place.
func (t *tree) makeDevice(d Device) error {
	dir, err := makeDir(t.root, filepath.Dir(d.Path))
	if err != nil {
		return err
	}
	defer dir.Close()
	err = mknodat(dir, filepath.Base(d.Path), d)
	switch {
	case errors.Is(err, unix.EEXIST):
		return verifyDevice(dir, d)
	case errors.Is(err, unix.EPERM):
		return t.bindDevice(d)
	case err != nil || d.UID == 0 && d.GID == 0:
		return err
	}
	if err := unix.Fchownat(int(dir.Fd()), filepath.Base(d.Path), int(d.UID), int(d.GID), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "fchownat", Path: d.Path, Err: err}
	}
	return nil
}

func mknodat(dir *os.File, name string, d Device) error {
	if err := unix.Mknodat(int(dir.Fd()), name, d.kind()|d.Mode, int(d.number())); err != nil {
		return &os.PathError{Op: "mknodat", Path: d.Path, Err: err}
	}
	return nil
}

// verifyDevice accepts a name that is taken only if it is taken by the same
// device: one given twice, or a standard one asked for by name.
func verifyDevice(dir *os.File, d Device) error {
	file, err := openat2(dir, filepath.Base(d.Path), unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_BENEATH})
	if err != nil {
		return err
	}
	defer file.Close()
	return d.check(file)
}

// bindDevice binds the host's node, if it has the number that it should have.
// Read-only is the mount, so that the container can't change the mode of the
// host's node; the device itself can be written to all the same.
func (t *tree) bindDevice(d Device) error {
	path := d.Path
	if d.HostPath != "" {
		path = d.HostPath
	}
	host, err := openAbsolute(path, unix.O_PATH)
	if err != nil {
		return err
	}
	defer host.Close()
	if err := d.check(host); err != nil {
		return err
	}
	mount, err := openTree(host, 0)
	if err != nil {
		return err
	}
	defer mount.Close()
	const flags = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC
	if err := mountSetattr(mount, 0, unix.MountAttr{Attr_set: flags}); err != nil {
		return err
	}
	target, err := makeFile(t.root, d.Path)
	if err != nil {
		return err
	}
	defer target.Close()
	return moveMount(mount, target)
}

// check makes sure that an open file is this device, and not something that
// goes by its name.
func (d Device) check(file *os.File) error {
	stat, err := fstat(file)
	if err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != d.kind() || stat.Rdev != d.number() {
		return fmt.Errorf("check %s: it isn't device %s %d:%d: %w", file.Name(), d.Type, d.Major, d.Minor, unix.ENODEV)
	}
	return nil
}

// rule is that of the device cgroup which lets the container use the device.
func (d Device) rule() cgroups.DeviceRule {
	return cgroups.AllowDevice(d.Type, int64(d.Major), int64(d.Minor), d.Access)
}

func (d Device) number() uint64 { return unix.Mkdev(d.Major, d.Minor) }

func (d Device) kind() uint32 {
	if d.Type == "b" {
		return unix.S_IFBLK
	}
	return unix.S_IFCHR
}
