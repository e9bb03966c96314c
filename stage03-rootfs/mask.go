package rootfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// hideDetails covers each masked path: a file by the null device, so that it
// reads as empty, a directory by an empty directory that can't be written.
//
// The null device is the one of the container's own /dev, made by us a moment
// ago, and proven on the descriptor: runc bound whatever lay at /dev/null, and
// an image that made it a link to /proc/sys/kernel/core_pattern got that file
// writable in the place of /proc/kcore (CVE-2025-31133).
func (t *tree) hideDetails(paths []string) error {
	null, err := t.openNull()
	if err != nil {
		return err
	}
	defer null.Close()
	var covers covers
	defer covers.close()
	for _, path := range paths {
		err := t.onExisting(path, func(target *os.File, dir bool) error {
			if dir {
				return covers.put(&covers.dir, target, func() (*os.File, error) { return newFilesystem("tmpfs", "tmpfs", emptyDirectory) })
			}
			return covers.put(&covers.file, target, func() (*os.File, error) { return readonlyCopy(null) })
		})
		if err != nil {
			return fmt.Errorf("mask %s: %w", path, err)
		}
	}
	return nil
}

// covers are the first mounts of either kind; the others are copies of them,
// flags and all, which spares a system call for each and a tmpfs for most.
type covers struct{ file, dir *os.File }

func (c *covers) put(first **os.File, target *os.File, make func() (*os.File, error)) error {
	if *first != nil {
		return cover(*first, target)
	}
	mount, err := make()
	if err != nil {
		return err
	}
	*first = mount
	return moveMount(mount, target)
}

func (c *covers) close() {
	for _, file := range []*os.File{c.file, c.dir} {
		if file != nil {
			file.Close()
		}
	}
}

// emptyDirectory is a tmpfs with room for nothing but its own root.
var emptyDirectory = mountOptions{
	attributes: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC,
	data:       []string{"nr_blocks=1", "nr_inodes=1", "mode=755"},
}

func (t *tree) openNull() (*os.File, error) {
	null, err := openInRoot(t.root, "/dev/null", unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	if err := standardDevices[0].check(null); err != nil {
		null.Close()
		return nil, err
	}
	return null, nil
}

// cover mounts another copy of the mount at file on target.
func cover(file, target *os.File) error {
	mount, err := openTree(file, 0)
	if err != nil {
		return err
	}
	defer mount.Close()
	return moveMount(mount, target)
}

func readonlyCopy(file *os.File) (*os.File, error) {
	mount, err := openTree(file, 0)
	if err != nil {
		return nil, err
	}
	if err := mountSetattr(mount, 0, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		mount.Close()
		return nil, err
	}
	return mount, nil
}

// makeReadonly covers each path with a read-only copy of itself.
func (t *tree) makeReadonly(paths []string) error {
	for _, path := range paths {
		err := t.onExisting(path, func(target *os.File, _ bool) error {
			mount, err := openTree(target, unix.AT_RECURSIVE)
			if err != nil {
				return err
			}
			defer mount.Close()
			if err := mountSetattr(mount, unix.AT_RECURSIVE, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
				return err
			}
			return moveMount(mount, target)
		})
		if err != nil {
			return fmt.Errorf("make %s read-only: %w", path, err)
		}
	}
	return nil
}

// onExisting opens a path in the root and calls do with it. A path that the
// kernel of this machine doesn't have needs no mask.
func (t *tree) onExisting(path string, do func(target *os.File, dir bool) error) error {
	target, err := openInRoot(t.root, path, unix.O_PATH)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	defer target.Close()
	dir, err := isDir(target)
	if err != nil {
		return err
	}
	return do(target, dir)
}
