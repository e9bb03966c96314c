package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Three locks keep the processes of an engine apart, taken in this order: of
// all networks, while one comes or goes; of one network, while somebody is
// plugged in or out; of the table, while it comes or goes. Packets don't wait.

// locked runs do while it holds the lock of a directory.
//
// fs.ErrNotExist says that the directory was removed while we waited.
func locked(dir string, do func() error) error {
	return lockedFile(filepath.Join(dir, "lock"), do)
}

// lockedFile runs do while it holds a flock(2) on the file, which the kernel
// lets go of when its holder dies, even by kill -9.
func lockedFile(path string, do func() error) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock network: %w", err)
	}
	defer file.Close()
	if err := flock(file); err != nil {
		return fmt.Errorf("lock network: %w", err)
	}
	if !isStill(file, path) {
		return fmt.Errorf("lock network: %w", &os.PathError{Op: "open", Path: path, Err: fs.ErrNotExist})
	}
	return do()
}

func flock(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("flock", err)
		}
	}
}

// isStill reports whether path leads to the open file.
func isStill(file *os.File, path string) bool {
	ours, err := file.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(ours, now)
}
