package unionfs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Remove removes a tree that strangers have written in: a layer, or a
// container's upper directory. What isn't there is no error.
//
// It follows no symbolic link, and where something is mounted it stops with an
// error before it has removed anything of what is mounted: a volume that is
// still bound into a container's root must survive the container. The tree may
// be deeper than any path can name.
func Remove(dir string) error {
	dir = filepath.Clean(dir)
	parent, err := openRoot(filepath.Dir(dir))
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove tree: %w", err)
	}
	defer unix.Close(parent)
	if err := removeAt(parent, filepath.Base(dir)); err != nil {
		return fmt.Errorf("remove tree %s: %w", dir, err)
	}
	return nil
}

// removeAt removes the name base in dir, and all that is beneath it.
func removeAt(dir int, base string) error {
	return (&remover{}).remove(dir, base, 0)
}

// emptyDir removes what is in an open directory.
func emptyDir(dir int) error {
	fd, err := openat2(dir, "", unix.O_RDONLY|unix.O_DIRECTORY, noLinks)
	if err != nil {
		return err
	}
	return (&remover{top: fd}).empty(os.NewFile(uintptr(fd), "."), 1)
}

// A remover removes depth first. It holds one descriptor for each level, so a
// tree that is too deep for that is cut: what hangs at deepest levels is moved
// up to the top, where it is met again.
type remover struct {
	top   int // the directory that everything is in
	moved int // how many subtrees were moved there
}

const deepest = 100

// empty removes what is in an open directory, and closes it.
func (r *remover) empty(dir *os.File, depth int) error {
	defer dir.Close()
	fd := int(dir.Fd())
	for {
		names, err := dir.Readdirnames(1024)
		for _, name := range names {
			if err := r.remove(fd, name, depth); err != nil {
				return err
			}
		}
		if errors.Is(err, unix.ENOENT) {
			return nil // the directory itself has gone: somebody else removes the same tree
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if err == nil {
			continue
		}
		// Again from the start, for what was moved here; done when it is empty.
		if _, err := dir.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if names, _ := dir.Readdirnames(1); len(names) == 0 {
			return nil
		}
		if _, err := dir.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
}

func (r *remover) remove(dir int, name string, depth int) error {
	switch err := unix.Unlinkat(dir, name, 0); err {
	case nil, unix.ENOENT:
		return nil
	case unix.EISDIR:
	default:
		return failed("unlinkat", name, err)
	}
	if depth >= deepest {
		return r.moveUp(dir, name)
	}
	fd, err := openat2(dir, name, unix.O_RDONLY|unix.O_DIRECTORY, noLinks)
	if errors.Is(err, unix.EXDEV) {
		return fmt.Errorf("%s is a mount point: unmount it first: %w", name, err)
	}
	if errors.Is(err, unix.ENOENT) {
		return nil // as above
	}
	if err != nil {
		return err
	}
	if depth == 0 {
		r.top = fd
	}
	if err := r.empty(os.NewFile(uintptr(fd), name), depth+1); err != nil {
		return err
	}
	if err := unix.Unlinkat(dir, name, unix.AT_REMOVEDIR); err != unix.ENOENT {
		return failed("rmdir", name, err)
	}
	return nil
}

// moveUp moves a subtree to the top under a name that is free there.
func (r *remover) moveUp(dir int, name string) error {
	for {
		r.moved++
		free := ".deep-" + strconv.Itoa(r.moved)
		err := unix.Renameat2(dir, name, r.top, free, unix.RENAME_NOREPLACE)
		if err != unix.EEXIST {
			return failed("renameat2", name, err)
		}
	}
}
