package rootfs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// bindRoot makes the directory a mount, on top of itself: pivot_root(2) turns
// to mounts only, and the flags of a mount are ours to set.
//
// What is mounted below the directory comes along, as it does with runc. The
// copy is private, so what is mounted in it from here on stays in it.
func (t *tree) bindRoot(dir string) error {
	host, err := openAbsolute(dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer host.Close()
	root, err := openTree(host, unix.AT_RECURSIVE)
	if err != nil {
		return err
	}
	if err := moveMount(root, host); err != nil {
		root.Close()
		return err
	}
	t.root = root
	return mountSetattr(root, unix.AT_RECURSIVE, unix.MountAttr{Propagation: unix.MS_PRIVATE})
}

// readonlyRoot makes the root's own mount read-only. Volumes, /dev and the
// like are mounts of their own and stay as they are.
func (t *tree) readonlyRoot() error {
	return mountSetattr(t.root, 0, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

// pivotRoot makes the new root the root of this mount namespace, and lets the
// old one go with all that is mounted there.
//
// pivot_root(".", ".") stacks the old root on top of the new one, at the same
// place, so no directory for it is needed; and unmounting "." then takes the
// upper of the two, the old root. MNT_DETACH, since we ourselves still have
// files open there. See NOTES in pivot_root(2).
//
// Why not chroot(2)? It changes what one process calls /, and nothing else:
// the host's mounts are still there, and a process with CAP_SYS_CHROOT, which
// a container has, walks back to them.
func (t *tree) pivotRoot() error {
	if err := unix.Fchdir(int(t.root.Fd())); err != nil {
		return os.NewSyscallError("fchdir", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return os.NewSyscallError("umount2", err)
	}
	if err := unix.Chdir("/"); err != nil {
		return os.NewSyscallError("chdir", err)
	}
	return t.verify()
}

// verify looks whether / is where we think: an engine that goes on in the
// host's root is the worst that can happen.
func (t *tree) verify() error {
	want, err := fstat(t.root)
	if err != nil {
		return err
	}
	var have unix.Stat_t
	if err := unix.Stat("/", &have); err != nil {
		return &os.PathError{Op: "stat", Path: "/", Err: err}
	}
	if have.Dev != want.Dev || have.Ino != want.Ino {
		return fmt.Errorf("check /: it isn't the new root: %w", unix.EXDEV)
	}
	return t.root.Close()
}
