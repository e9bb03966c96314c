package network

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// locked runs do while no other process of the engine changes this network:
// flock(2) on a file of the lease directory, which the kernel lets go of when
// its holder dies, even by kill -9. Packets and other networks don't wait.
func locked(dir string, do func() error) error {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("lock network: %w", err)
	}
	defer file.Close()
	if err := flock(file); err != nil {
		return fmt.Errorf("lock network: %w", err)
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
