package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Layout knows where everything stands.
type Layout struct {
	Root   string `json:"root"`   // durable: /var/lib/cooper
	RunDir string `json:"runDir"` // volatile: /run/cooper
}

// Container is the directory of a container's files.
func (l Layout) Container(id string) string { return filepath.Join(l.Root, "containers", id) }

// Volatile is the directory of a running container's socket.
func (l Layout) Volatile(id string) string { return filepath.Join(l.RunDir, id) }

// Name is the symlink that reserves a name.
func (l Layout) Name(name string) string { return filepath.Join(l.Root, "names", name) }

// Volume is the directory of a volume; its content is in _data.
func (l Layout) Volume(name string) string { return filepath.Join(l.Root, "volumes", name) }

// Tmp is where things are made and unmade.
func (l Layout) Tmp() string { return filepath.Join(l.Root, "tmp") }

// Make makes the directories, for us alone. What stands there already must be
// ours, or somebody else could hand us containers of their making.
func (l Layout) Make() error {
	for _, dir := range []string{l.Root, l.RunDir} {
		if !filepath.IsAbs(dir) {
			return fmt.Errorf("state directory %q: give an absolute path", dir)
		}
		if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
			return err
		}
	}
	for _, dir := range []string{l.Root, filepath.Join(l.Root, "containers"), filepath.Join(l.Root, "names"), filepath.Join(l.Root, "volumes"), l.Tmp(), l.RunDir} {
		if err := ours(dir); err != nil {
			return err
		}
	}
	return nil
}

// ours makes dir, or refuses it when others may write there.
func ours(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return &os.PathError{Op: "lstat", Path: dir, Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return fmt.Errorf("state directory %s: it is not a directory; a link there could lead anywhere, so name the real place", dir)
	case int(st.Uid) != os.Geteuid():
		return fmt.Errorf("state directory %s: it belongs to uid %d and not to us; choose another with --root", dir, st.Uid)
	case st.Mode&0o022 != 0:
		return fmt.Errorf("state directory %s: others may write there; run chmod go-w on it", dir)
	}
	return nil
}

// Scratch makes a directory under tmp for something that is being made or
// unmade. Its name tells whose it is, so that Sweep knows when nobody works on
// it any more.
func (l Layout) Scratch(id string) (dir string, err error) {
	dir, err = l.scratchName(id)
	if err != nil {
		return "", err
	}
	return dir, os.Mkdir(dir, 0o700)
}

func (l Layout) scratchName(id string) (string, error) {
	me, err := Identify(os.Getpid())
	if err != nil {
		return "", err
	}
	return filepath.Join(l.Tmp(), fmt.Sprintf("%s.%d.%d.%s.%s", id, me.Pid, me.Start, me.Boot, strings.Trim(me.PidNS, "pid:[]"))), nil
}

// scratchOwner reads the owner back out of the name.
func scratchOwner(name string) (id string, owner Task, ok bool) {
	parts := strings.Split(name, ".")
	if len(parts) < 5 {
		return "", Task{}, false
	}
	own := parts[len(parts)-4:]
	if n, err := fmt.Sscanf(own[0]+" "+own[1], "%d %d", &owner.Pid, &owner.Start); n != 2 || err != nil {
		return "", Task{}, false
	}
	owner.Boot, owner.PidNS = own[2], "pid:["+own[3]+"]"
	return strings.Join(parts[:len(parts)-4], "."), owner, true
}

// BeingMade reports whether somebody alive works on the container under tmp.
func (l Layout) BeingMade(id string) bool {
	entries, err := os.ReadDir(l.Tmp())
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if of, owner, ok := scratchOwner(entry.Name()); ok && of == id && owner.Alive() {
			return true
		}
	}
	return false
}

// Scraps lists what dead processes left under tmp.
func (l Layout) Scraps() (paths []string, err error) {
	entries, err := os.ReadDir(l.Tmp())
	for _, entry := range entries {
		if _, owner, ok := scratchOwner(entry.Name()); !ok || !owner.Alive() {
			paths = append(paths, filepath.Join(l.Tmp(), entry.Name()))
		}
	}
	return paths, err
}

// Sweep removes what dead processes left under tmp.
func (l Layout) Sweep() error {
	scraps, err := l.Scraps()
	for _, path := range scraps {
		err = errors.Join(err, RemoveTree(path))
	}
	return err
}

// Discard takes a container's files away. The rename is the moment at which
// the container is gone for everybody; what follows is only space.
//
// The caller has ended the container's run and holds its lock.
func (l Layout) Discard(id string, names ...string) error {
	tomb, err := l.scratchName(id)
	if err != nil {
		return err
	}
	if err := os.Rename(l.Container(id), tomb); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove container: %w", err)
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, l.ReleaseName(name, id))
	}
	return errors.Join(append(errs, RemoveTree(l.Volatile(id)), RemoveTree(tomb))...)
}
