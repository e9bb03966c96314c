package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cooper/stage05-images/flock"

	"golang.org/x/sys/unix"
)

// NameTaken says which container has the name.
type NameTaken struct{ Name, ID string }

func (e *NameTaken) Error() string { return "name " + e.Name + " is in use by container " + e.ID }

// ReserveName gives the name to the container, or fails with *NameTaken.
//
// symlink(2) is exclusive: of many at once exactly one wins. A link to a
// container that is neither there nor being made was left by a kill -9, and is
// replaced; only that needs a lock, for two who see the same stale link.
func (l Layout) ReserveName(name, id string) error {
	link := l.Name(name)
	err := os.Symlink(target(id), link)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	lock, err := Lock(filepath.Join(l.Root, "names"))
	if err != nil {
		return err
	}
	defer lock.Close()
	owner, err := l.NameOwner(name)
	if err != nil {
		return err
	}
	if owner != "" && (exists(l.Container(owner)) || l.BeingMade(owner) || exists(l.Container(owner))) {
		// Asked twice: between the first two questions it may have been finished.
		return &NameTaken{Name: name, ID: owner}
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err = os.Symlink(target(id), link)
	if errors.Is(err, fs.ErrExist) { // someone without the lock was faster
		owner, _ = l.NameOwner(name)
		return &NameTaken{Name: name, ID: owner}
	}
	return err
}

// ReleaseName frees the name, if it is the container's.
func (l Layout) ReleaseName(name, id string) error {
	if name == "" {
		return nil
	}
	lock, err := Lock(filepath.Join(l.Root, "names"))
	if err != nil {
		return err
	}
	defer lock.Close()
	owner, err := l.NameOwner(name)
	if err != nil || owner != id {
		return err
	}
	return os.Remove(l.Name(name))
}

// NameOwner returns the id behind a name, "" when nobody has it.
func (l Layout) NameOwner(name string) (id string, err error) {
	to, err := os.Readlink(l.Name(name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return filepath.Base(to), nil
}

// NamesOf searches all names for those of a container; for one whose record
// can't say.
func (l Layout) NamesOf(id string) (names []string, err error) {
	entries, err := os.ReadDir(filepath.Join(l.Root, "names"))
	for _, entry := range entries {
		if owner, ownerErr := l.NameOwner(entry.Name()); ownerErr == nil && owner == id {
			names = append(names, entry.Name())
		}
	}
	return names, err
}

func target(id string) string { return filepath.Join("..", "containers", id) }

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// ValidID reports whether s is a whole id, and so can't lead out of a
// directory.
func ValidID(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// Lock opens path (a file or a directory) and waits for its lock. Closing the
// file gives the lock back, as does the process's death.
func Lock(path string) (*os.File, error) { return locked(path, flock.Lock) }

// TryLock is Lock, but fails with EWOULDBLOCK instead of waiting.
func TryLock(path string) (*os.File, error) { return locked(path, flock.Try) }

// Share is Lock for many at once, against one Lock.
func Share(path string) (*os.File, error) { return locked(path, flock.Share) }

func locked(path string, lock func(*os.File) error) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := lock(file); err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", filepath.Base(path), err)
	}
	return file, nil
}
