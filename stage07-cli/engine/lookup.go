package engine

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cooper/stage07-cli/shim/state"
)

// maxName is how long a name may be.
const maxName = 128

// validName reports whether a container or a volume may be called so: Docker's
// [a-zA-Z0-9][a-zA-Z0-9_.-]*, which is never a path. By hand and not as a
// regular expression: that would be compiled in every process of ours, in the
// container's first too, and take 100 kB in each shim.
func validName(name string) bool {
	if name == "" || len(name) > maxName || strings.ContainsAny(name[:1], "_.-") {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && !(r >= '0' && r <= '9') && r != '_' && r != '.' && r != '-'
	})
}

func noSuchContainer(name string) error {
	return tell(ErrNotFound, "No such container: %s", name)
}

// find looks a container up: by its whole id, its name, or the beginning of its
// id, in this order, which is Docker's.
func (e *Engine) find(name string) (*container, error) {
	id, err := e.resolve(name)
	if err != nil {
		return nil, err
	}
	c, err := e.load(id)
	if os.IsNotExist(err) {
		return nil, noSuchContainer(name)
	}
	return c, err
}

func (e *Engine) resolve(name string) (id string, err error) {
	if state.ValidID(name) {
		return name, nil
	}
	// Checked before it comes near the file system.
	if !validName(name) {
		return "", noSuchContainer(quoted(name))
	}
	owner, err := e.NameOwner(name)
	if err != nil {
		return "", err
	}
	if state.ValidID(owner) {
		if _, err := os.Lstat(e.Container(owner)); err == nil {
			return owner, nil
		}
	}
	return e.byPrefix(name)
}

func (e *Engine) byPrefix(prefix string) (id string, err error) {
	ids, err := e.ids()
	if err != nil {
		return "", err
	}
	for _, candidate := range ids {
		if !strings.HasPrefix(candidate, prefix) {
			continue
		}
		if id != "" {
			return "", tell(ErrAmbiguous, "Multiple IDs found with provided prefix: %s", prefix)
		}
		id = candidate
	}
	if id == "" {
		return "", noSuchContainer(prefix)
	}
	return id, nil
}

// ids lists all containers.
func (e *Engine) ids() ([]string, error) {
	dir, err := os.Open(filepath.Join(e.Root, "containers"))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	ids := names[:0]
	for _, name := range names {
		if state.ValidID(name) {
			ids = append(ids, name)
		}
	}
	return ids, nil
}

// quoted shows what a user gave without letting it speak to the terminal.
func quoted(name string) string {
	if validName(name) {
		return name
	}
	if len(name) > 64 {
		name = name[:64] + "…"
	}
	return strconv.QuoteToASCII(name)
}
