package unionfs

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ownDirectory makes and opens the directory of a layer. It is 0755 unless the
// layer says otherwise, because a container's / looks as the topmost layer's
// root does: one made by mktemp, 0700, would lock every user out but root.
func ownDirectory(dir string) (int, error) {
	if err := unix.Mkdir(dir, 0o755); err != nil && err != unix.EEXIST {
		return -1, failed("mkdir", dir, err)
	}
	fd, err := openRoot(dir)
	if err != nil {
		return -1, err
	}
	empty, err := isEmpty(fd)
	if err == nil && !empty {
		err = fmt.Errorf("%s: %w", dir, ErrNotEmpty)
	}
	if err == nil {
		err = failed("fchmod", dir, unix.Fchmod(fd, 0o755))
	}
	if removing := unix.Fremovexattr(fd, opaqueXattr()); err == nil && removing != unix.ENODATA && removing != unix.ENOTSUP {
		err = failed("fremovexattr", dir, removing)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// isEmpty reports whether an open directory has no entries.
func isEmpty(fd int) (bool, error) {
	own, err := openat2(fd, "", unix.O_RDONLY|unix.O_DIRECTORY, noLinks)
	if err != nil {
		return false, err
	}
	dir := os.NewFile(uintptr(own), ".")
	defer dir.Close()
	_, err = dir.Readdirnames(1)
	if err == io.EOF {
		return true, nil
	}
	return false, err
}
