package rootfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// bind makes a copy of a mount of the host, from the source on down, or takes
// the one that rootfs/open_tree has made.
//
// The flags are only ever added to those that the source has: a volume on a
// nosuid filesystem stays nosuid, and one that is read-only doesn't become
// writable by asking. Read-only covers what is mounted below, too: the old
// mount(MS_REMOUNT|MS_BIND) left those writable (which surprised everybody).
func (t *tree) bind(m Mount, options mountOptions) (*os.File, error) {
	mount, tied := t.tied[m.Destination]
	if !tied {
		source, err := openAbsolute(m.Source, unix.O_PATH)
		if err != nil {
			return nil, err
		}
		defer source.Close()
		if mount, err = openTree(source, options.recursion()); err != nil {
			return nil, err
		}
	}
	err := t.relabel(mount, options)
	if err == nil {
		err = restrict(mount, options)
	}
	if err == nil && options.idmap {
		err = t.mapOwners(mount, m, options)
	}
	if err == nil {
		err = tie(mount, options)
	}
	if err != nil {
		mount.Close()
		return nil, err
	}
	return mount, nil
}

// restrict gives the copy its flags.
func restrict(mount *os.File, options mountOptions) error {
	attr := unix.MountAttr{
		Attr_set: options.attributes,
		Attr_clr: options.changed&unix.MOUNT_ATTR__ATIME | options.cleared,
	}
	if options.readonlyTop {
		attr.Attr_set &^= unix.MOUNT_ATTR_RDONLY
		top := unix.MountAttr{Attr_set: options.attributes & unix.MOUNT_ATTR_RDONLY}
		if err := mountSetattr(mount, 0, top); err != nil {
			return err
		}
	}
	return mountSetattr(mount, options.recursion(), attr)
}

// tie gives a mount its propagation. What is new or was copied from our own
// mounts, which are private by now, needs none to be private.
func tie(mount *os.File, options mountOptions) error {
	if options.propagation == unix.MS_PRIVATE {
		return nil
	}
	var recursive uint
	if options.propagates {
		recursive = options.recursion()
	}
	return mountSetattr(mount, recursive, unix.MountAttr{Propagation: options.propagation})
}
