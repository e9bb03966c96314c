package rootfs

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// relabel gives a volume, and all that is in it, the SELinux context that lets
// containers use it: with z any container, with Z this one alone. On a host
// without SELinux the container has no label, and so has its volume.
func (t *tree) relabel(mount *os.File, options mountOptions) error {
	if options.relabel == "" || t.spec.MountLabel == "" {
		return nil
	}
	label := t.spec.MountLabel
	if options.relabel == "z" {
		label = sharedLabel(label)
	}
	return labelTree(mount, label)
}

// sharedLabel takes the categories, by which containers are told apart, from
// the level of a context:
//
//	system_u:object_r:container_file_t:s0:c12,c345
//	user     role     type             level
func sharedLabel(context string) string {
	fields := strings.SplitN(context, ":", 5)
	return strings.Join(fields[:min(len(fields), 4)], ":")
}

// labelTree labels file and, if it is a directory, what is in it. It goes down
// by descriptors: the volume may be in use, and a directory that is swapped
// for a link must not lead the labelling out of it.
func labelTree(file *os.File, label string) error {
	name := fmt.Sprintf("/proc/thread-self/fd/%d", file.Fd()) // setxattr(2) wants a path, this one can't be swapped
	if err := unix.Setxattr(name, "security.selinux", []byte(label), 0); err != nil {
		return &os.PathError{Op: "setxattr", Path: file.Name(), Err: err}
	}
	if dir, err := isDir(file); err != nil || !dir {
		return err
	}
	return eachEntry(file, func(dir *os.File, name string) error { return labelEntry(dir, name, label) })
}

// labelEntry leaves links alone: SELinux asks for what they lead to.
func labelEntry(dir *os.File, name, label string) error {
	file, err := openat2(dir, name, unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_BENEATH})
	if err != nil {
		return err
	}
	defer file.Close()
	stat, err := fstat(file)
	if err != nil || stat.Mode&unix.S_IFMT == unix.S_IFLNK {
		return err
	}
	return labelTree(file, label)
}
