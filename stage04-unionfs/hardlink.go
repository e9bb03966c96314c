package unionfs

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrNoTarget is the cause when a hard link's other name is neither in the
// layer nor in the lower layers that Apply was given.
var ErrNoTarget = errors.New("the hard link's target is in no layer that is known here")

// hardLink gives the file that the archive calls target a second name. The
// target is a path from the layer's root, and a symbolic link there is linked
// to as it is, never through: the flag AT_SYMLINK_FOLLOW stays away.
func (w *writer) hardLink(dir int, base, at, target string) error {
	location, err := locate(target)
	if err != nil {
		return fmt.Errorf("link to %q: %w", target, err)
	}
	if location == at {
		return fmt.Errorf("link to itself: %w", ErrNoTarget)
	}
	targetDir, targetBase, err := w.linkTarget(location)
	if err != nil {
		return fmt.Errorf("link to %q: %w", target, err)
	}
	err = w.place(dir, base, func() error { return unix.Linkat(targetDir, targetBase, dir, base, 0) })
	return failed("linkat", target, err)
}

// linkTarget finds the target in this layer, or brings it up from those below.
func (w *writer) linkTarget(at string) (dir int, base string, err error) {
	parent, base := split(at)
	dir, err = w.existing(parent)
	if errors.Is(err, unix.ENOENT) {
		return w.copyUp(at)
	}
	if err != nil {
		return -1, "", err
	}
	stat, err := fstatat(dir, base)
	switch {
	case errors.Is(err, unix.ENOENT):
		return w.copyUp(at)
	case err == nil && isWhiteout(&stat):
		return -1, "", fmt.Errorf("%w: this layer removes it", ErrNoTarget)
	}
	return dir, base, err
}

// existing is directory, without making what is missing.
func (w *writer) existing(at string) (int, error) {
	if at == "" {
		return w.root, nil
	}
	if fd, ok := w.open[at]; ok {
		return fd, nil
	}
	fd, err := openat2(w.root, at, unix.O_RDONLY|unix.O_DIRECTORY, inRoot)
	if err == nil {
		w.open[at] = fd
	}
	return fd, err
}

// copyUp copies a file of the lower layers into this one, under its own name,
// which is what overlayfs does before it gives such a file a second name.
func (w *writer) copyUp(at string) (dir int, base string, err error) {
	_, says, err := look(w.root, at)
	if err != nil {
		return -1, "", err
	}
	below, err := w.below.find(at)
	if err != nil {
		return -1, "", err
	}
	if says == hidden || below == nil || !isRegular(&below.stat) {
		return -1, "", ErrNoTarget
	}
	if err := w.limits.takeBytes(below.stat.Size); err != nil {
		return -1, "", err
	}
	dir, base, err = w.parent(at)
	if err != nil {
		return -1, "", err
	}
	w.links = true
	return dir, base, w.copyFrom(below, at, dir, base)
}

func (w *writer) copyFrom(below *sighting, at string, dir int, base string) error {
	fd, err := openat2(below.layer, at, unix.O_RDONLY|unix.O_NOFOLLOW, noLinks)
	if err != nil {
		return err
	}
	from := os.NewFile(uintptr(fd), at)
	defer from.Close()
	m := metadataOf(&below.stat)
	if m.xattrs, err = listXattrs(fd); err != nil {
		return err
	}
	return w.newFile(dir, base, m, func(fd int) error { return w.fill(fd, from, below.stat.Size) })
}
