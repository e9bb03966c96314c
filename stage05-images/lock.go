package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

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

// locked acts while no other process changes the store. The lock is a flock:
// the kernel gives it back when its holder dies, however it dies.
func (s *Store) locked(act func() error) error {
	file, err := lockFile(context.Background(), s.path("lock"))
	if err != nil {
		return fmt.Errorf("lock image store: %w", err)
	}
	defer file.Close()
	return act()
}

// lockFile opens a file, makes it if need be, and locks it. It waits for the
// holder, who may have removed or renamed the file by the time we get it: so
// what is locked is compared with what has the name now. See flock(2).
func lockFile(ctx context.Context, path string) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		if err := flock(ctx, file); err != nil {
			return nil, err
		}
		if stillNamed(file, path) {
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
	if unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil || !stillNamed(file, path) {
		file.Close()
		return nil, false
	}
	return file, true
}

// flock takes the lock or closes the file. A system call that waits can't be
// told to stop, so when the context ends first, it is left to a goroutine,
// which gives the lock back at once should it still come.
func flock(ctx context.Context, file *os.File) error {
	fd := int(file.Fd())
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
		return nil
	}
	done := make(chan error) // without room: whoever sends knows that it was taken
	go func() {
		err := ignoringEINTR(func() error { return unix.Flock(fd, unix.LOCK_EX) })
		select {
		case done <- err:
		case <-ctx.Done():
			file.Close()
		}
	}()
	select {
	case err := <-done:
		if err != nil {
			file.Close()
		}
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func stillNamed(file *os.File, path string) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	return err == nil && os.SameFile(open, named)
}
