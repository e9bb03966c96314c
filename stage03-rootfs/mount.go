package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// tree is the new root while it is being built: what the steps of Enter share.
type tree struct {
	root *os.File // the mount that becomes /
}

// mount makes one mount of the Spec: first the mount, detached and with its
// final flags; then its place, as a descriptor inside the root; then the one
// is put on the other.
func (t *tree) mount(m Mount) error {
	options, err := parseOptions(m.Options)
	if err != nil {
		return err
	}
	mount, err := detach(m, options)
	if err != nil {
		return err
	}
	defer mount.Close()
	target, err := t.target(m, mount)
	if err != nil {
		return fmt.Errorf("find mount point %s: %w", m.Destination, err)
	}
	defer target.Close()
	return moveMount(mount, target)
}

// privileged returns the mount as a privileged container gets it: /sys and
// its cgroup can be written.
func (m Mount) privileged() Mount {
	if m.Type == "sysfs" || m.Type == "cgroup" {
		m.Options = slices.DeleteFunc(slices.Clone(m.Options), func(option string) bool { return option == "ro" })
	}
	return m
}

// detach makes a mount that isn't anywhere yet.
func detach(m Mount, options mountOptions) (*os.File, error) {
	if m.Type == "bind" {
		return bind(m.Source, options)
	}
	return newFilesystem(m.Type, options)
}

// newFilesystem makes a mount of a filesystem that lives in the kernel.
func newFilesystem(fstype string, options mountOptions) (*os.File, error) {
	fs, err := fsopen(fstype)
	if err != nil {
		return nil, err
	}
	defer fs.Close()
	// The source is only a name here, the one that /proc/mounts shows first.
	for _, option := range append([]string{"source=" + fstype}, options.data...) {
		if err := fsconfig(fs, option); err != nil {
			return nil, err
		}
	}
	if err := fsconfigCreate(fs); err != nil {
		return nil, err
	}
	return fsmount(fs, options.attributes)
}

// bind makes a copy of a mount of the host, from source on down.
//
// The flags are only ever added to those that the source has: a volume on a
// nosuid filesystem stays nosuid, and one that is read-only doesn't become
// writable by asking. Read-only covers what is mounted below, too: the old
// mount(MS_REMOUNT|MS_BIND) left those writable (which surprised everybody).
func bind(source string, options mountOptions) (*os.File, error) {
	if len(options.data) > 0 {
		return nil, fmt.Errorf("bind %s: unknown mount option %q", source, options.data[0])
	}
	file, err := openAbsolute(source, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var recursive uint
	if options.recursive {
		recursive = unix.AT_RECURSIVE
	}
	mount, err := openTree(file, recursive)
	if err != nil {
		return nil, err
	}
	if err := restrict(mount, recursive, options); err != nil {
		mount.Close()
		return nil, err
	}
	return mount, nil
}

func restrict(mount *os.File, recursive uint, options mountOptions) error {
	attr := unix.MountAttr{
		Attr_set:    options.attributes,
		Attr_clr:    options.changed & unix.MOUNT_ATTR__ATIME,
		Propagation: unix.MS_PRIVATE,
	}
	if options.readonlyTop {
		attr.Attr_set &^= unix.MOUNT_ATTR_RDONLY
		top := unix.MountAttr{Attr_set: options.attributes & unix.MOUNT_ATTR_RDONLY}
		if err := mountSetattr(mount, 0, top); err != nil {
			return err
		}
	}
	return mountSetattr(mount, recursive, attr)
}

// target opens the place of a mount inside the root, and makes it if it is
// missing: a directory for a directory, an empty file for a file.
func (t *tree) target(m Mount, mount *os.File) (*os.File, error) {
	dir, err := isDir(mount)
	if err != nil {
		return nil, err
	}
	var target *os.File
	switch destination := filepath.Clean(m.Destination); {
	case !dir:
		target, err = makeFile(t.root, destination)
	case slices.Contains([]string{"/proc", "/sys", "/dev"}, destination):
		if target, err = makeDir(t.root, destination); err == nil {
			target.Close()
			target, err = openOrdinaryDir(t.root, destination)
		}
	default:
		target, err = makeDir(t.root, destination)
	}
	if err != nil {
		return nil, err
	}
	if err = fits(target, dir); err == nil {
		err = refuseProc(m, target)
	}
	if err != nil {
		target.Close()
		return nil, err
	}
	return target, nil
}

// fits gives the kernel's ENOTDIR a reason.
func fits(target *os.File, dir bool) error {
	targetDir, err := isDir(target)
	switch {
	case err != nil:
		return err
	case dir && !targetDir:
		return fmt.Errorf("%s is a file in the container, and a directory is to be mounted on it: %w", target.Name(), unix.ENOTDIR)
	case !dir && targetDir:
		return fmt.Errorf("%s is a directory in the container, and a file is to be mounted on it: %w", target.Name(), unix.EISDIR)
	}
	return nil
}

// overProc are the files of /proc over which a mount is harmless and wanted:
// LXCFS shows a container its own limits there.
var overProc = []string{
	"/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo",
	"/proc/slabinfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
}

// refuseProc refuses mounts over or inside /proc, also when a link led there.
// What the engine writes to /proc/self and /proc/sys, to confine the process,
// it would write to a file of the attacker's instead (CVE-2019-16884).
func refuseProc(m Mount, target *os.File) error {
	if m.Type == "proc" || slices.Contains(overProc, filepath.Clean(m.Destination)) {
		return nil
	}
	if inProc(m.Destination) || target != nil && onProcfs(target) {
		return fmt.Errorf("mount on %s: /proc can't be mounted over: %w", m.Destination, unix.EPERM)
	}
	return nil
}

func inProc(path string) bool {
	path = filepath.Clean("/" + path)
	return path == "/proc" || strings.HasPrefix(path, "/proc/")
}
