package engine

import (
	"path/filepath"

	"cooper/stage02-cgroups"
	"cooper/stage05-images"
	"cooper/stage07-cli/shim/state"
)

// Engine is Cooper's container engine over one state directory. It holds no
// state in memory: several processes may use the same directory at once.
type Engine struct {
	state.Layout

	// CgroupDriver makes the groups of containers to come: cgroups.Systemd or
	// cgroups.Cgroupfs. Empty is the one that this machine wants.
	CgroupDriver string

	store *images.Store
}

// Open returns the engine over root (durable, /var/lib/cooper) and run
// (volatile, /run/cooper). It makes them, 0700, and refuses a directory that
// isn't ours alone. What a killed shim has left running is ended.
func Open(root, run string) (*Engine, error) {
	e := &Engine{Layout: state.Layout{Root: filepath.Clean(root), RunDir: filepath.Clean(run)}}
	if err := e.Make(); err != nil {
		return nil, err
	}
	store, err := images.OpenStore(filepath.Join(e.Root, "images"))
	if err != nil {
		return nil, err
	}
	store.InUse = e.layersInUse
	e.store = store
	e.endLoose()
	return e, nil
}

// cgroupDriver decides who makes the groups of containers to come.
func (e *Engine) cgroupDriver() string {
	if e.CgroupDriver == "" {
		return cgroups.Driver()
	}
	return e.CgroupDriver
}

// Images is the engine's image store; package images works on it.
func (e *Engine) Images() *images.Store { return e.store }
