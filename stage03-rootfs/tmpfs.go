package rootfs

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mountTmpfs makes a filesystem in memory. Unlike the other kinds it looks at
// the directory that it will cover, and takes its mode: over a /tmp where
// everybody may write, everybody still may. With tmpcopyup it takes what is in
// there, too.
func (t *tree) mountTmpfs(m Mount, options mountOptions) error {
	target, err := t.target(m, true)
	if err != nil {
		return err
	}
	defer target.Close()
	if !slices.ContainsFunc(options.data, func(option string) bool { return strings.HasPrefix(option, "mode=") }) {
		stat, err := fstat(target)
		if err != nil {
			return err
		}
		options.data = append(options.data, fmt.Sprintf("mode=%o", stat.Mode&0o7777))
	}
	readonly := options.attributes & unix.MOUNT_ATTR_RDONLY
	options.attributes &^= readonly // until it is filled: nobody else sees it
	mount, err := t.detach(m, options)
	if err != nil {
		return err
	}
	defer mount.Close()
	if options.copyUp {
		if err := copyTree(target, mount); err != nil {
			return fmt.Errorf("copy %s up: %w", m.Destination, err)
		}
	}
	if readonly != 0 {
		if err := mountSetattr(mount, 0, unix.MountAttr{Attr_set: readonly}); err != nil {
			return err
		}
	}
	return moveMount(mount, target)
}

// copyTree copies what is in one directory into another, by descriptors all
// the way down: in the container's files a name may be a link by the time it
// is used, and then it is copied as a link.
func copyTree(from, to *os.File) error {
	return eachEntry(from, func(dir *os.File, name string) error { return copyEntry(dir, to, name) })
}

// copyEntry copies one file of whatever kind, with its owner and mode.
func copyEntry(from, to *os.File, name string) error {
	file, err := openat2(from, name, unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_BENEATH})
	if err != nil {
		return err
	}
	defer file.Close()
	stat, err := fstat(file)
	if err != nil {
		return err
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		err = copyDir(file, to, name)
	case unix.S_IFREG:
		err = copyFile(from, to, name)
	case unix.S_IFLNK:
		err = copyLink(from, to, name)
	default: // a device, a FIFO or a socket
		err = os.NewSyscallError("mknodat", unix.Mknodat(int(to.Fd()), name, stat.Mode, int(stat.Rdev)))
	}
	if err != nil {
		return err
	}
	if err := unix.Fchownat(int(to.Fd()), name, int(stat.Uid), int(stat.Gid), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return os.NewSyscallError("fchownat", err)
	}
	if stat.Mode&unix.S_IFMT == unix.S_IFLNK { // has no mode of its own
		return nil
	}
	// After the owner, a change of whom takes setuid away. The name is ours,
	// in a filesystem that nobody else has seen yet.
	return os.NewSyscallError("fchmodat", unix.Fchmodat(int(to.Fd()), name, stat.Mode&0o7777, 0))
}

func copyDir(file, to *os.File, name string) error {
	if err := mkdirat(to, name); err != nil {
		return err
	}
	below, err := openat2(to, name, unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY})
	if err != nil {
		return err
	}
	defer below.Close()
	return copyTree(file, below)
}

func copyFile(from, to *os.File, name string) error {
	source, err := openat2(from, name, unix.OpenHow{Flags: unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK, Resolve: unix.RESOLVE_BENEATH})
	if err != nil {
		return err
	}
	defer source.Close()
	copied, err := openat2(to, name, unix.OpenHow{Flags: unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL, Mode: 0o600})
	if err != nil {
		return err
	}
	_, err = copied.ReadFrom(source)
	if closeErr := copied.Close(); err == nil {
		err = closeErr
	}
	return err
}

func copyLink(from, to *os.File, name string) error {
	target, err := readlinkat(from, name)
	if err != nil {
		return err
	}
	return symlinkat(target, to, name)
}
