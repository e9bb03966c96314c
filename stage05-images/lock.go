package images

import (
	"fmt"
	"os"

	"cooper/stage05-images/flock"

	"golang.org/x/sys/unix"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// update changes index.json under the store's lock.
func (s *Store) update(change func(index *ocispec.Index) error) error {
	return s.locked(func() error {
		index, err := s.readIndex()
		if err != nil {
			return err
		}
		if err := change(index); err != nil {
			return err
		}
		return s.writeIndex(index)
	})
}

// locked acts while no other process changes the store.
func (s *Store) locked(act func() error) error {
	file, err := lockFile(s.path("lock"), flock.Lock)
	if err != nil {
		return fmt.Errorf("lock image store: %w", err)
	}
	defer file.Close()
	return act()
}

// lockFile opens a file, makes it if need be, and locks it. Who had the lock
// before may have removed or renamed the file: then there is another to lock.
func lockFile(path string, lock func(*os.File) error) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		if err := lock(file); err != nil {
			file.Close()
			return nil, err
		}
		if flock.Named(file) {
			return file, nil
		}
		file.Close()
	}
}

// tryLockFile locks a file that exists, unless somebody holds it.
func tryLockFile(path string) (*os.File, bool) {
	file, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, false
	}
	if flock.Try(file) != nil || !flock.Named(file) {
		file.Close()
		return nil, false
	}
	return file, true
}
