package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"cooper/stage05-images/flock"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"
)

// config is config.json: what the user asked for, and what it meant on the day.
type config struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	ImageID string    `json:"imageID"`
	Layers  []string  `json:"layers,omitempty"` // that the root stands on, by images.Image.LayerNames: they must stay

	// Volumes are all that the container holds; those in Anonymous were made
	// for it and go with it, if asked.
	Volumes   []string `json:"volumes,omitempty"`
	Anonymous []string `json:"anonymous,omitempty"`

	Options CreateOptions `json:"options"`
}

// container is a container as it was found.
type container struct {
	id     string
	dir    string
	config config
	seen   state.Observation
}

// load reads a container's records. One that can't be understood comes back
// with Phase Corrupt, and can still be listed and removed. fs.ErrNotExist:
// there is none, or it is being made or removed.
func (e *Engine) load(id string) (*container, error) {
	c := &container{id: id, dir: e.Container(id)}
	err := state.ReadJSON(c.dir, state.ConfigFile, &c.config)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, statErr := os.Lstat(c.dir); statErr != nil {
			return nil, statErr
		}
		// A directory without it: it is renamed into place with it, so somebody took it away.
		c.seen = state.Observation{Phase: state.Corrupt, Err: fmt.Errorf("read %s: %w", state.ConfigFile, err)}
		return c, nil
	case errors.Is(err, state.ErrCorrupt):
		c.seen = state.Observation{Phase: state.Corrupt, Err: err}
		return c, nil
	case err != nil:
		return nil, err
	}
	if c.config.ID != id {
		c.seen = state.Observation{Phase: state.Corrupt, Err: fmt.Errorf("read %s: it belongs to %q", state.ConfigFile, c.config.ID)}
		return c, nil
	}
	c.seen = state.Observe(c.dir)
	return c, nil
}

// spec reads what the container was made from.
func (c *container) spec() (*network.Spec, error) {
	spec := new(network.Spec)
	return spec, state.ReadJSON(c.dir, state.SpecFile, spec)
}

// name is what the user calls it.
func (c *container) name() string {
	if c.config.Options.Name != "" {
		return c.config.Options.Name
	}
	return c.id[:12]
}

// usable refuses a container whose records are broken.
func (c *container) usable() error {
	if c.seen.Phase == state.Corrupt {
		return fmt.Errorf("container %s: its record is corrupt (%w): remove it with rm -f", c.name(), c.seen.Err)
	}
	return nil
}

// active reports whether a shim of it lives, be it only to tidy up.
func (c *container) active() bool {
	return c.seen.Status != nil && c.seen.Phase != state.Died && c.seen.Phase != state.Corrupt
}

// running reports whether its command runs.
func (c *container) running() bool { return c.seen.Phase == state.Running }

// mustRun is the refusal of what only a running container can do.
func (c *container) mustRun() error {
	if err := c.usable(); err != nil {
		return err
	}
	if !c.running() {
		return tell(ErrNotRunning, "Container %s is not running", c.id)
	}
	return nil
}

// claim finds a container and locks it.
func (e *Engine) claim(name string) (*container, *os.File, error) {
	c, err := e.find(name)
	if err != nil {
		return nil, nil, err
	}
	lock, err := e.lock(c)
	return c, lock, err
}

// claimWhole is claim for what needs the container's records, and a shim's left
// tidied up.
func (e *Engine) claimWhole(name string) (*container, *os.File, error) {
	c, lock, err := e.claim(name)
	if err != nil {
		return nil, nil, err
	}
	if err = c.usable(); err == nil {
		err = e.healWhole(c)
	}
	if err != nil {
		lock.Close()
		return nil, nil, err
	}
	return c, lock, nil
}

// lock waits for the container's lock and looks at it again: while we waited it
// may have been started, ended or removed.
func (e *Engine) lock(c *container) (*os.File, error) {
	path := filepath.Join(c.dir, state.LockFile)
	file, err := state.Lock(path)
	if errors.Is(err, fs.ErrNotExist) && c.seen.Phase == state.Corrupt {
		return nil, nil // so broken that there is nothing to lock
	}
	if err == nil && !flock.Named(file) {
		file.Close()
		err = fs.ErrNotExist
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noSuchContainer(c.name())
	}
	if err != nil {
		return nil, err
	}
	again, err := e.load(c.id)
	if err != nil {
		file.Close()
		return nil, noSuchContainer(c.name())
	}
	*c = *again
	return file, nil
}
