package network

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cooper/stage05-images/flock"
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

// lockedFile runs do while it holds the lock of a file.
func lockedFile(path string, do func() error) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock network: %w", err)
	}
	defer file.Close()
	if err := flock.Lock(file); err != nil {
		return fmt.Errorf("lock network: %w", err)
	}
	if !flock.Named(file) {
		return fmt.Errorf("lock network: %w", &os.PathError{Op: "open", Path: path, Err: fs.ErrNotExist})
	}
	return do()
}
