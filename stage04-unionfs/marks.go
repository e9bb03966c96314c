package unionfs

import (
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Overlayfs keeps its marks in extended attributes of one of two namespaces.
// Only a process with CAP_SYS_ADMIN in the first user namespace may write
// trusted ones, and other programs don't even see them. In a user namespace of
// its own the kernel takes user ones, if the mount says userxattr (Linux 5.11).
//
// One process never reads both: a container whose marks are trusted is free to
// write user.overlay.opaque on a directory, and means nothing by it.
const (
	trustedMarks = "trusted.overlay."
	userMarks    = "user.overlay."
)

// firstUserNamespace is PROC_USER_INIT_INO in linux/proc_ns.h: the number of
// the user namespace that the machine starts with, the same on all.
const firstUserNamespace = 0xEFFFFFFD

// marks returns the namespace for this process, whose user namespace is its
// own from birth to end.
var marks = sync.OnceValue(func() string {
	info, err := os.Stat("/proc/self/ns/user")
	if err != nil {
		return trustedMarks // no user namespaces in this kernel
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if os.Geteuid() == 0 && ok && stat.Ino == firstUserNamespace {
		return trustedMarks
	}
	return userMarks
})

func opaqueXattr() string { return marks() + "opaque" }

// isOpaque reports whether an open directory hides what lies below it.
func isOpaque(fd int) (bool, error) {
	var value [8]byte
	n, err := unix.Fgetxattr(fd, opaqueXattr(), value[:])
	switch err {
	case nil:
		return string(value[:n]) == "y", nil
	case unix.ENODATA, unix.ENOTSUP, unix.ERANGE:
		return false, nil
	}
	return false, failed("fgetxattr", opaqueXattr(), err)
}

// makeOpaque hides what lies below an open directory.
func makeOpaque(fd int) error {
	return failed("fsetxattr", opaqueXattr(), unix.Fsetxattr(fd, opaqueXattr(), []byte("y"), 0))
}
