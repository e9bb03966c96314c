package unionfs

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ChangeKind says what became of a path; the numbers are those of the Docker
// Engine API.
type ChangeKind int

const (
	Modified ChangeKind = 0
	Added    ChangeKind = 1
	Deleted  ChangeKind = 2
)

// String is the letter that docker diff prints: C, A or D.
func (k ChangeKind) String() string { return [...]string{"C", "A", "D"}[k] }

// Change is one path in which a container differs from its image.
type Change struct {
	Kind ChangeKind
	Path string // absolute in the container
}

// String is the line that docker diff prints.
func (c Change) String() string { return c.Kind.String() + " " + c.Path }

// Changes lists what an upper directory changes of the lower ones (topmost
// first), in the order of the paths' bytes.
//
// A directory in which something changed is itself listed as modified. Of a
// removed directory only the directory is listed, of one that was removed and
// made anew also what it lost. What was only copied up, and looks as it did,
// isn't listed, nor is a directory whose files came and went, nor what is only a
// place for one of the mounts.
func Changes(upper string, lower []string, mounts ...string) ([]Change, error) {
	root, err := openRoot(upper)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	defer unix.Close(root)
	below, err := openLayers(lower)
	if err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	defer below.close()
	c := comparer{below: below, mounts: mounts, same: map[string]bool{}}
	if err := walk(root, "", c.visit); err != nil {
		return nil, fmt.Errorf("list changes: %w", err)
	}
	changes := c.real()
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return changes, nil
}

type comparer struct {
	below   layers
	mounts  mountPoints
	changes []Change        // a directory before what is in it
	same    map[string]bool // paths that look as they do below
}

// real leaves out what looks as it did and holds nothing that doesn't.
func (c *comparer) real() []Change {
	var list []Change
	holds := map[string]bool{"/": true}
	for _, change := range slices.Backward(c.changes) {
		if !c.same[change.Path] || holds[change.Path] {
			list = append(list, change)
			holds[path.Dir(change.Path)] = true
		}
	}
	return list
}

func (c *comparer) visit(f *found) error {
	if placeholder, err := c.mounts.isPlaceholder(f); placeholder || err != nil {
		return err
	}
	before, err := c.below.find(f.at)
	if err != nil {
		return err
	}
	switch {
	case isWhiteout(&f.stat) && before == nil:
		return nil // it hides nothing
	case isWhiteout(&f.stat):
		c.note(Deleted, f.at)
		return nil
	case before == nil:
		c.note(Added, f.at)
		return nil
	}
	c.note(Modified, f.at)
	c.same["/"+f.at] = looksSame(&before.stat, &f.stat)
	if !isDir(&f.stat) || !isDir(&before.stat) {
		return nil
	}
	hides, err := isOpaque(f.fd)
	if err != nil || !hides {
		return err
	}
	return c.lost(f)
}

// lost notes what an opaque directory hides and doesn't replace.
func (c *comparer) lost(f *found) error {
	names, err := c.below.list(f.at)
	if err != nil {
		return err
	}
	for _, name := range names {
		_, err := fstatat(f.fd, name)
		if errors.Is(err, unix.ENOENT) {
			c.note(Deleted, path.Join(f.at, name))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// looksSame compares what can be told without reading. A directory's size and
// time say only that names in it came and went.
func looksSame(before, now *unix.Stat_t) bool {
	if before.Mode != now.Mode || before.Uid != now.Uid || before.Gid != now.Gid || before.Rdev != now.Rdev {
		return false
	}
	return isDir(now) || before.Size == now.Size && before.Mtim == now.Mtim
}

func (c *comparer) note(kind ChangeKind, at string) {
	c.changes = append(c.changes, Change{kind, "/" + at})
}
