package unionfs

import (
	"io"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// A found is one name in a tree that is being walked.
type found struct {
	at   string // from the tree's root, without a leading slash
	dir  int    // the open directory that it is in
	base string // its name there
	fd   int    // for a directory: itself, open; else -1
	stat unix.Stat_t
}

// walk calls visit for everything below an open directory: a directory before
// what is in it, names in the order of their bytes, so that two walks of equal
// trees are equal.
//
// A container may still be writing in the tree. So nothing is reached by its
// path: each directory is opened below its parent, without following a link
// that the container may just have put in its place.
//
// What it removes meanwhile is passed over, at whatever moment that is.
func walk(dir int, at string, visit func(*found) error) error {
	names, err := sortedNames(dir)
	if err != nil {
		return ignoring(err, unix.ENOENT)
	}
	for _, name := range names {
		if err := walkInto(dir, path.Join(at, name), name, visit); err != nil {
			return err
		}
	}
	return nil
}

func walkInto(dir int, at, base string, visit func(*found) error) error {
	if len(at) >= unix.PathMax {
		return failed("walk", at[:64]+"…", unix.ENAMETOOLONG)
	}
	stat, err := fstatat(dir, base)
	if err != nil {
		return ignoring(err, unix.ENOENT)
	}
	f := &found{at: at, dir: dir, base: base, fd: -1, stat: stat}
	if !isDir(&stat) {
		return visit(f)
	}
	f.fd, err = openat2(dir, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, noLinks)
	if err != nil {
		return ignoring(err, unix.ENOENT)
	}
	defer unix.Close(f.fd)
	if err := visit(f); err != nil {
		return err
	}
	return walk(f.fd, at, visit)
}

// openFile opens a regular file for reading, and makes sure that it still is
// one: opening a fifo would wait for its writer.
func (f *found) openFile() (*os.File, error) {
	fd, err := openat2(f.dir, f.base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, noLinks)
	if err != nil {
		return nil, err
	}
	err = failed("fstat", f.at, unix.Fstat(fd, &f.stat))
	if err == nil && !isRegular(&f.stat) {
		err = failed("open", f.at, unix.ESTALE)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.at), nil
}

// readlink returns a symbolic link's target.
func (f *found) readlink() (string, error) {
	var target [unix.PathMax]byte
	n, err := unix.Readlinkat(f.dir, f.base, target[:])
	if err != nil {
		return "", failed("readlinkat", f.at, err)
	}
	return string(target[:n]), nil
}

// sortedNames lists an open directory.
func sortedNames(dir int) ([]string, error) {
	own, err := openat2(dir, "", unix.O_RDONLY|unix.O_DIRECTORY, noLinks)
	if err != nil {
		return nil, err
	}
	list := os.NewFile(uintptr(own), ".")
	defer list.Close()
	names, err := list.Readdirnames(-1)
	if err != nil && err != io.EOF {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}
