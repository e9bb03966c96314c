package unionfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// Every path that a stranger wrote is resolved in one of two ways, both by the
// kernel in one call, so that there is no moment between the check and the use.
const (
	// inRoot takes absolute links and ".." as chroot would: they start and
	// stop at the layer's root.
	inRoot = unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS | unix.RESOLVE_NO_XDEV

	// noLinks doesn't follow any link, and doesn't enter a mount.
	noLinks = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_XDEV
)

// openat2 opens path as seen from the directory dir. "" is dir itself. It
// needs Linux 5.6. See openat2(2), also for why EAGAIN is worth another try.
func openat2(dir int, path string, flags, resolve uint64) (int, error) {
	if path == "" {
		path = "."
	}
	how := unix.OpenHow{Flags: flags | unix.O_CLOEXEC, Resolve: resolve}
	for try := 0; ; try++ {
		fd, err := unix.Openat2(dir, path, &how)
		if (err == unix.EAGAIN || err == unix.EINTR) && try < 128 {
			continue
		}
		return fd, failed("openat2", path, err)
	}
}

// fstatat describes a name without following it.
func fstatat(dir int, base string) (unix.Stat_t, error) {
	var stat unix.Stat_t
	err := unix.Fstatat(dir, base, &stat, unix.AT_SYMLINK_NOFOLLOW)
	return stat, failed("fstatat", base, err)
}

// openRoot opens a directory that the user named: here links are followed.
func openRoot(dir string) (int, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return fd, failed("open", dir, err)
}

// failed names the call and the path of an error, and leaves nil alone.
func failed(call, path string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: call, Path: path, Err: err}
}

func isDir(stat *unix.Stat_t) bool     { return stat.Mode&unix.S_IFMT == unix.S_IFDIR }
func isRegular(stat *unix.Stat_t) bool { return stat.Mode&unix.S_IFMT == unix.S_IFREG }
func isSymlink(stat *unix.Stat_t) bool { return stat.Mode&unix.S_IFMT == unix.S_IFLNK }
