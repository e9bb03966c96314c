package rootfs

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// The mount API of Linux 5.2 and later splits what mount(2) did in one call:
//
//	fsopen ─▶ fsconfig … ─▶ fsmount ─▶ detached mount ─┐
//	                                                   ├─▶ mount_setattr ─▶ move_mount
//	open_tree(OPEN_TREE_CLONE) ─▶ detached copy ───────┘
//
// A detached mount is a descriptor that nobody else can see. It gets its flags
// before it gets its place, and its place is a descriptor too. See fsopen(2),
// fsmount(2), open_tree(2), mount_setattr(2), move_mount(2).
//
// One function for each system call, with its name.

// fsopen opens a configuration of a filesystem type that is to be mounted.
func fsopen(fstype string) (*os.File, error) {
	fd, err := unix.Fsopen(fstype, unix.FSOPEN_CLOEXEC)
	if errors.Is(err, unix.ENODEV) {
		return nil, fmt.Errorf("fsopen %s: the kernel knows no such filesystem: %w", fstype, err)
	}
	if err != nil {
		return nil, &os.PathError{Op: "fsopen", Path: fstype, Err: err}
	}
	return os.NewFile(uintptr(fd), fstype), nil
}

// fsconfig sets one option, "key=value" or a bare "key".
func fsconfig(fs *os.File, option string) error {
	key, value, hasValue := strings.Cut(option, "=")
	var err error
	if hasValue {
		err = unix.FsconfigSetString(int(fs.Fd()), key, value)
	} else {
		err = unix.FsconfigSetFlag(int(fs.Fd()), key)
	}
	if err != nil {
		return fmt.Errorf("fsconfig %s %q: %w%s", fs.Name(), option, err, complaint(fs))
	}
	return nil
}

// fsconfigCreate makes the filesystem with the options set so far.
func fsconfigCreate(fs *os.File) error {
	if err := unix.FsconfigCreate(int(fs.Fd())); err != nil {
		return fmt.Errorf("fsconfig %s: create: %w%s", fs.Name(), err, complaint(fs))
	}
	return nil
}

// complaint reads what the kernel has to say about a configuration, which is
// more than an errno can: "tmpfs: Bad value for 'size'".
func complaint(fs *os.File) string {
	message := make([]byte, 1024)
	n, err := unix.Read(int(fs.Fd()), message)
	if err != nil || n < 3 {
		return ""
	}
	return " (" + strings.TrimSpace(string(message[2:n])) + ")" // after "e ", its severity
}

// fsmount makes a detached mount of the filesystem with the given attributes
// (MOUNT_ATTR_…).
func fsmount(fs *os.File, attributes uint64) (*os.File, error) {
	fd, err := unix.Fsmount(int(fs.Fd()), unix.FSMOUNT_CLOEXEC, int(attributes))
	if err != nil {
		return nil, &os.PathError{Op: "fsmount", Path: fs.Name(), Err: err}
	}
	return os.NewFile(uintptr(fd), fs.Name()), nil
}

// openTree makes a detached copy of the mount at file, starting at file, with
// flags of AT_RECURSIVE for what is mounted below it too.
func openTree(file *os.File, flags uint) (*os.File, error) {
	fd, err := unix.OpenTree(int(file.Fd()), "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|flags)
	if err != nil {
		return nil, &os.PathError{Op: "open_tree", Path: file.Name(), Err: err}
	}
	return os.NewFile(uintptr(fd), file.Name()), nil
}

// mountSetattr changes the attributes of a mount, with flags of AT_RECURSIVE
// of all mounts below it too. It does all of it or none.
func mountSetattr(mount *os.File, flags uint, attr unix.MountAttr) error {
	if err := unix.MountSetattr(int(mount.Fd()), "", unix.AT_EMPTY_PATH|flags, &attr); err != nil {
		return &os.PathError{Op: "mount_setattr", Path: mount.Name(), Err: err}
	}
	return nil
}

// moveMount attaches a detached mount on top of target.
func moveMount(mount, target *os.File) error {
	const flags = unix.MOVE_MOUNT_F_EMPTY_PATH | unix.MOVE_MOUNT_T_EMPTY_PATH
	if err := unix.MoveMount(int(mount.Fd()), "", int(target.Fd()), "", flags); err != nil {
		return &os.PathError{Op: "move_mount", Path: target.Name(), Err: err}
	}
	return nil
}
