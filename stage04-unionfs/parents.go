package unionfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// A tree is a layer's directory while the layer is written into it.
//
// An archive lists a directory's files one after the other. The tree keeps the
// descriptors of the directories that it opened, so that most entries are made
// with a single name below an open directory, and the kernel walks no path.
type tree struct {
	root int
	open map[string]int // by path from the root
	// stale says that a link or a directory was replaced: paths that led
	// through it lead elsewhere now.
	stale bool
	below layers      // the layers below, where they are known
	times []timesToBe // of directories

	limits Limits // what is left of them

	// implied are the directories that were made for what is in them, and that
	// the archive hasn't listed so far.
	implied map[string]bool
}

// openAtOnce bounds the descriptors held. An archive is in depth-first order
// as a rule, so forgetting them all at once costs next to nothing.
const openAtOnce = 256

func newTree(root int, below layers) *tree {
	return &tree{root: root, open: map[string]int{}, below: below, implied: map[string]bool{}}
}

// settle is called between entries, when nobody uses the open directories.
func (t *tree) settle() {
	if t.stale || len(t.open) > openAtOnce {
		t.forget()
	}
}

// forget closes every descriptor but the root's.
func (t *tree) forget() {
	for _, fd := range t.open {
		unix.Close(fd)
	}
	clear(t.open)
	t.stale = false
}

// directory returns a descriptor of the directory at that path, which the tree
// closes. Links on the way are followed inside the layer. What is missing is
// made: an archive needn't list a file's parents.
func (t *tree) directory(at string) (int, error) {
	if at == "" {
		return t.root, nil
	}
	if fd, ok := t.open[at]; ok {
		return fd, nil
	}
	fd, err := openat2(t.root, at, unix.O_RDONLY|unix.O_DIRECTORY, inRoot)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		fd, err = t.makeDirectory(at)
	}
	if err != nil {
		return -1, err
	}
	t.open[at] = fd
	return fd, nil
}

// makeDirectory makes a directory that the archive doesn't list, or hasn't yet.
// It is root's and has mode 0755, as with other engines, unless a layer below
// says more: see lean.go.
func (t *tree) makeDirectory(at string) (int, error) {
	parent, base, err := t.parent(at)
	if err != nil {
		return -1, err
	}
	if err := t.limits.takeEntry(); err != nil {
		return -1, err // one entry may imply thousands
	}
	t.implied[at] = true // not any more, if a whiteout is in its place
	if err := t.mkdirat(parent, base, at, false); err != nil {
		return -1, err
	}
	fd, err := openat2(parent, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, noLinks)
	if err != nil {
		return -1, err
	}
	if err := (metadata{uid: os.Geteuid(), gid: os.Getegid(), mode: 0o755}).set(fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// parent returns the open directory that a path's last name is in.
func (t *tree) parent(at string) (fd int, base string, err error) {
	dir, base := split(at)
	fd, err = t.directory(dir)
	return fd, base, err
}

// mkdirat makes the directory base, whose path is at, or leaves the one that is
// there. A whiteout in its place says that the lower layers' base is gone, so
// the directory must hide it. Anything else in its place is replaced if replace
// is set.
func (t *tree) mkdirat(dir int, base, at string, replace bool) error {
	err := unix.Mkdirat(dir, base, 0o700)
	if err != unix.EEXIST {
		return failed("mkdirat", base, err)
	}
	there, err := fstatat(dir, base)
	switch {
	case err != nil:
		return err
	case isDir(&there):
		return nil
	case isWhiteout(&there):
		delete(t.implied, at) // it is a new one, and looks like none below
		return t.unhide(dir, base)
	case !replace:
		return failed("mkdirat", base, unix.ENOTDIR)
	}
	if err := t.discard(dir, base, &there); err != nil {
		return err
	}
	return failed("mkdirat", base, unix.Mkdirat(dir, base, 0o700))
}

// unhide puts an opaque directory in a whiteout's place.
func (t *tree) unhide(dir int, base string) error {
	if err := unix.Unlinkat(dir, base, 0); err != nil {
		return failed("unlinkat", base, err)
	}
	if err := unix.Mkdirat(dir, base, 0o700); err != nil {
		return failed("mkdirat", base, err)
	}
	fd, err := openat2(dir, base, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, noLinks)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return makeOpaque(fd)
}

// discard removes what an earlier entry left under a name. It unlinks the name
// and never writes through it: a link's target and a file's other names stay.
func (t *tree) discard(dir int, base string, there *unix.Stat_t) error {
	if !isDir(there) && !isSymlink(there) {
		return failed("unlinkat", base, unix.Unlinkat(dir, base, 0))
	}
	if err := removeAt(dir, base); err != nil {
		return err
	}
	t.stale = true
	return nil
}
