package unionfs

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sys/unix"
)

// Leaning is what a layer leaves to those below it. Most leave nothing: such a
// layer is the same directory in whatever image it lies. One that leans is
// complete only on a certain stack, and right on no other.
type Leaning struct {
	// Dirs are directories that the archive has files in but doesn't list. In
	// the union a directory looks as in the topmost layer that has it. So these
	// must look as they do below, or a layer with one file in /tmp would take
	// the sticky bit off /tmp.
	Dirs []string

	// Links says that a hard link's other name is in a layer below, and that
	// the file was copied up. Where the layers below aren't known, such a link
	// is the error ErrNoTarget.
	Links bool
}

// Any reports whether the layer leans at all.
func (l Leaning) Any() bool { return l.Links || len(l.Dirs) > 0 }

// LookAsBelow completes a layer that was applied alone, in place: its Dirs take
// the owner, mode, attributes and times that they have in the layers below,
// topmost first.
func (l Leaning) LookAsBelow(dir string, lower []string) error {
	root, err := openRoot(dir)
	if err != nil {
		return fmt.Errorf("complete layer: %w", err)
	}
	defer unix.Close(root)
	below, err := openLayers(lower)
	if err != nil {
		return fmt.Errorf("complete layer: %w", err)
	}
	defer below.close()
	t := newTree(root, below)
	defer t.forget()
	err = t.lookAsBelow(l.Dirs)
	if err == nil {
		err = t.setDirectoryTimes()
	}
	if err != nil {
		return fmt.Errorf("complete layer: %w", err)
	}
	return nil
}

// lean is for when all entries are written: only now is it known which
// directories the archive never lists.
func (w *writer) lean() (Leaning, error) {
	w.settle()
	leaning := Leaning{Links: w.links}
	union := shining{tree: w.tree, known: map[string]bool{}}
	for _, at := range slices.Sorted(maps.Keys(w.implied)) {
		merged, err := union.merges(at)
		if err != nil {
			return leaning, err
		}
		if merged {
			leaning.Dirs = append(leaning.Dirs, at)
		}
	}
	return leaning, w.lookAsBelow(leaning.Dirs)
}

// shining tells where in a layer the union shows what lies below, too: not in
// an opaque directory, nor anywhere in one. What it found it remembers, since
// paths have their beginnings in common, and a stranger may make them long.
type shining struct {
	*tree
	known map[string]bool
}

// merges reports whether a path is a directory of this layer that is one with
// what lies below: in an opaque one it would be a new directory, whatever is
// called the same below. A directory with the mark itself is the old one,
// emptied.
func (s *shining) merges(at string) (bool, error) {
	dir, _ := split(at)
	if through, err := s.through(dir); !through || err != nil {
		return false, err
	}
	_, err := s.isOpaqueAt(at)
	return err == nil, ignoring(err, unix.ENOENT, unix.ENOTDIR, unix.ELOOP)
}

// through reports whether names in a directory shine through from below.
func (s *shining) through(at string) (bool, error) {
	if known, is := s.known[at]; is {
		return known, nil
	}
	through := true
	if at != "" {
		dir, _ := split(at)
		var err error
		if through, err = s.through(dir); err != nil {
			return false, err
		}
	}
	if through {
		opaque, err := s.isOpaqueAt(at)
		if through = err == nil && !opaque; ignoring(err, unix.ENOENT, unix.ENOTDIR, unix.ELOOP) != nil {
			return false, err
		}
	}
	s.known[at] = through
	return through, nil
}

func (t *tree) isOpaqueAt(at string) (bool, error) {
	fd, err := openat2(t.root, at, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, noLinks)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	return isOpaque(fd)
}

func (t *tree) lookAsBelow(dirs []string) error {
	for _, at := range dirs {
		below, err := t.below.find(at)
		if err == nil && below != nil && isDir(&below.stat) {
			err = t.lookAs(below, at)
		}
		if err != nil {
			return fmt.Errorf("directory %q: %w", at, err)
		}
	}
	return nil
}

func (t *tree) lookAs(below *sighting, at string) error {
	from, err := openat2(below.layer, at, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, noLinks)
	if err != nil {
		return err
	}
	defer unix.Close(from)
	looks := metadataOf(&below.stat)
	if looks.xattrs, err = listXattrs(from); err != nil {
		return err
	}
	fd, err := openat2(t.root, at, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, noLinks)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	t.times = append(t.times, timesToBe{at, looks.times})
	return looks.set(fd)
}

// ignoring turns the errors that the caller can do without into none.
func ignoring(err error, which ...unix.Errno) error {
	for _, errno := range which {
		if errors.Is(err, errno) {
			return nil
		}
	}
	return err
}
