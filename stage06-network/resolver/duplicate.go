package resolver

import (
	"os"

	"golang.org/x/sys/unix"
)

// duplicate returns a file of our own for the same namespace.
func duplicate(netns *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(netns.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "duplicate", Path: netns.Name(), Err: err}
	}
	return os.NewFile(uintptr(fd), netns.Name()), nil
}
