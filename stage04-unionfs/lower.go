package unionfs

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// layers are open layer directories, topmost first: the stack as overlayfs
// shows it, for looking up a name without mounting it.
type layers []int

func openLayers(dirs []string) (layers, error) {
	var open layers
	for _, dir := range dirs {
		fd, err := openRoot(dir)
		if err != nil {
			open.close()
			return nil, err
		}
		open = append(open, fd)
	}
	return open, nil
}

func (l layers) close() {
	for _, fd := range l {
		unix.Close(fd)
	}
}

// A sighting is what the stack shows at a path.
type sighting struct {
	layer int // the open layer directory that it is in
	stat  unix.Stat_t
}

// find looks a path up, through directories only: where a link is on the way,
// nothing is found. Nothing found is nil.
func (l layers) find(at string) (*sighting, error) {
	for _, layer := range l {
		stat, says, err := look(layer, at)
		if err != nil {
			return nil, err
		}
		switch says {
		case shown:
			return &sighting{layer, stat}, nil
		case hidden:
			return nil, nil
		}
	}
	return nil, nil
}

// A verdict is what one layer says of a path.
type verdict int

const (
	absent verdict = iota // ask the layer below
	shown                 // it is here
	hidden                // it is gone, whatever the layers below hold
)

// look asks one layer, name by name, since each directory on the way may hide
// what is below it.
func look(layer int, at string) (stat unix.Stat_t, says verdict, err error) {
	dir := layer
	defer func() { closeUnless(dir, layer) }()
	for more := true; more; {
		var name string
		name, at, more = strings.Cut(at, "/")
		opaque, err := isOpaque(dir)
		if err != nil {
			return stat, absent, err
		}
		if opaque {
			says = hidden
		}
		stat, err = fstatat(dir, name)
		switch {
		case errors.Is(err, unix.ENOENT):
			return stat, says, nil
		case err != nil:
			return stat, absent, err
		case isWhiteout(&stat), more && !isDir(&stat):
			return stat, hidden, nil
		case !more:
			return stat, shown, nil
		}
		next, err := openat2(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, noLinks)
		if err != nil {
			return stat, absent, err
		}
		closeUnless(dir, layer)
		dir = next
	}
	return stat, says, nil
}

func closeUnless(fd, keep int) {
	if fd != keep {
		unix.Close(fd)
	}
}

// list returns the names that the stack shows in a directory.
func (l layers) list(at string) ([]string, error) {
	shownNames := map[string]bool{}
	for _, layer := range l {
		names, err := namesIn(layer, at)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			seen, err := l.find(path.Join(at, name))
			if err != nil {
				return nil, err
			}
			if seen != nil {
				shownNames[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(shownNames)), nil
}

// namesIn lists a directory of one layer; none where it isn't a directory.
func namesIn(layer int, at string) ([]string, error) {
	fd, err := openat2(layer, at, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, noLinks)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	return sortedNames(fd)
}
