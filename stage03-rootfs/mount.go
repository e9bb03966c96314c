package rootfs

import (
	"errors"
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
	spec *Spec
	tied Tied
}

// mount makes one mount of the Spec: first the mount, detached and with its
// final flags; then its place, as a descriptor inside the root; then the one
// is put on the other.
func (t *tree) mount(m Mount) error {
	options, err := parseOptions(m.Options)
	if err != nil {
		return err
	}
	if m.Type == "tmpfs" && !m.isBind() {
		return t.mountTmpfs(m, options)
	}
	mount, err := t.detach(m, options)
	if err != nil {
		return err
	}
	defer mount.Close()
	dir, err := isDir(mount)
	if err != nil {
		return err
	}
	target, err := t.target(m, dir)
	if err != nil {
		return err
	}
	defer target.Close()
	return moveMount(mount, target)
}

// isBind tells a bind by its type or, as the runtime specification has it, by
// its options, whatever the type.
func (m Mount) isBind() bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
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
func (t *tree) detach(m Mount, options mountOptions) (*os.File, error) {
	if m.isBind() {
		return t.bind(m, options)
	}
	source := m.Type // only a name, the one that /proc/mounts shows first
	if m.Source != "" {
		source = m.Source
	}
	if takesLabel(m.Type) {
		options.data = append(t.spec.mountLabel(), options.data...)
	}
	mount, err := newFilesystem(m.Type, source, options)
	if err != nil {
		return nil, err
	}
	if err := tie(mount, options); err != nil {
		mount.Close()
		return nil, err
	}
	return mount, nil
}

// newFilesystem makes a mount of a filesystem that needs no place yet.
func newFilesystem(fstype, source string, options mountOptions) (*os.File, error) {
	fs, err := fsopen(fstype)
	if err != nil {
		return nil, err
	}
	defer fs.Close()
	for _, option := range append([]string{"source=" + source}, options.data...) {
		if err := fsconfig(fs, option); err != nil {
			return nil, err
		}
	}
	if err := fsconfigCreate(fs); err != nil {
		return nil, err
	}
	return fsmount(fs, options.attributes)
}

// target opens the place of a mount inside the root, and makes it if it is
// missing: a directory for a directory, an empty file for a file.
func (t *tree) target(m Mount, dir bool) (*os.File, error) {
	target, err := t.makeTarget(filepath.Clean(m.Destination), dir)
	if err != nil {
		return nil, fmt.Errorf("find mount point %s: %w", m.Destination, err)
	}
	if err = fits(target, dir); err == nil {
		err = refuseProc(m, target)
	}
	if err != nil {
		target.Close()
		return nil, fmt.Errorf("find mount point %s: %w", m.Destination, err)
	}
	return target, nil
}

// makeTarget opens or makes it. For the three directories by which a container
// is confined, no link will do, not even one that stays inside.
func (t *tree) makeTarget(destination string, dir bool) (*os.File, error) {
	if !dir {
		return makeFile(t.root, destination)
	}
	if !slices.Contains([]string{"/proc", "/sys", "/dev"}, destination) {
		return makeDir(t.root, destination)
	}
	target, err := openOrdinaryDir(t.root, destination)
	if !errors.Is(err, unix.ENOENT) {
		return target, err
	}
	if target, err = makeDir(t.root, destination); err != nil {
		return nil, err
	}
	target.Close()
	return openOrdinaryDir(t.root, destination) // whatever it is that was made
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
