package network

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Networks is where an engine's networks are. Each is a directory:
//
//	ROOT/networks/lock                     flock(2) while one comes or goes
//	              bridge/network.json      what it is: a Definition
//	                     …                 and who is on it: see lease.go
//	              backend/…
type Networks struct {
	Dir string `json:"dir,omitempty"`

	// Table is the nftables table of all these networks, and the bridge of the
	// default one.
	Table string `json:"table,omitempty"`

	// Keep leaves a network's bridge when its last container goes: making it
	// anew costs the next one 3 ms, and removing it this one 30 ms.
	Keep bool `json:"keep,omitempty"`
}

// NotFound is the error for a network that there is none of.
type NotFound struct{ Name string }

func (e *NotFound) Error() string { return fmt.Sprintf("network %s not found", e.Name) }

// InUse is the error of a network that can't be removed: by name, who is on it.
type InUse struct {
	Name       string
	Containers []string
}

func (e *InUse) Error() string {
	return fmt.Sprintf("network %s has active endpoints (%s): stop or disconnect them first", e.Name, strings.Join(e.Containers, ", "))
}

// TableFor returns the name of the table of a state directory. Two engines with
// two directories can't know of each other's leases, so each has bridges and a
// table of its own. All of those names begin with BridgePrefix.
func TableFor(root string) string {
	if filepath.Clean(root) == defaultRoot {
		return BridgePrefix + "0"
	}
	return linkNameOf(filepath.Clean(root))
}

const (
	// BridgePrefix begins the names of all bridges that weren't given one.
	BridgePrefix = "cooper"
	// defaultRoot is the engine's usual state directory.
	defaultRoot = "/var/lib/cooper"
)

// linkNameOf makes a name of 15 bytes, as long as a link's may be.
func linkNameOf(what string) string {
	sum := sha256.Sum256([]byte(what))
	return BridgePrefix + "-" + hex.EncodeToString(sum[:4])
}

func (n Networks) validate() error {
	if n.Dir == "" {
		return fmt.Errorf("network: no directory given for the networks")
	}
	if !isLinkName(n.Table) {
		return fmt.Errorf("network table %q: use up to 15 letters, digits and dashes", n.Table)
	}
	return nil
}

// record is the directory of one network.
func (n Networks) record(name string) record { return record(filepath.Join(n.Dir, name)) }

// Find returns a network by its name, or by its ID or the beginning of that.
func (n Networks) Find(name string) (*Definition, error) {
	if isNetworkName(name) {
		d, err := read(string(n.record(name)))
		if !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
	}
	list, err := n.List()
	if err != nil {
		return nil, err
	}
	var found *Definition
	for _, d := range list {
		if name == "" || !strings.HasPrefix(d.ID, name) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("network %s: more than one network's ID begins so", name)
		}
		found = d
	}
	if found == nil {
		return nil, &NotFound{name}
	}
	return found, nil
}

// List returns the networks in the order of their names. Those whose record is
// broken are left out; Remove removes them.
func (n Networks) List() (list []*Definition, err error) {
	entries, err := os.ReadDir(n.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() || !isNetworkName(entry.Name()) {
			continue
		}
		if d, err := read(string(n.record(entry.Name()))); err == nil {
			list = append(list, d)
		}
	}
	return list, nil
}

// Default returns the default network, which is made if it hasn't been.
func (n Networks) Default() (*Definition, error) {
	d, err := read(string(n.record(DefaultNetwork)))
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	d, err = n.Create(Definition{Name: DefaultNetwork, Driver: Bridge, Link: n.Table})
	if errors.Is(err, fs.ErrExist) { // by another container, meanwhile
		return read(string(n.record(DefaultNetwork)))
	}
	return d, err
}

// Remove removes a network that no container is on, and what the kernel has of
// it. The default one is made again when it is next used.
func (n Networks) Remove(name string) error {
	if !isNetworkName(name) {
		return &NotFound{name}
	}
	dir := n.record(name)
	if !exists(string(dir)) {
		return &NotFound{name}
	}
	return locked(n.Dir, func() error {
		return dir.locked(func() error {
			containers, err := dir.containers()
			if err != nil {
				return err
			}
			if len(containers) > 0 {
				return &InUse{name, containers}
			}
			if d, err := read(string(dir)); err == nil { // of a broken one nothing is known
				if err := n.dismantle(d); err != nil {
					return err
				}
			}
			return n.discard(dir)
		})
	})
}

// discard removes a network's directory, the definition first: without it, it is
// no network any more, if we are killed in the middle. It gets another name
// before it is emptied, so that whoever comes for its lock finds no directory
// to make one in.
func (n Networks) discard(dir record) error {
	if err := os.Remove(dir.path(definitionFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	gone := filepath.Join(n.Dir, ".gone-"+dir.name())
	if err := os.RemoveAll(gone); err != nil { // of one who was killed
		return err
	}
	if err := os.Rename(string(dir), gone); err != nil {
		return err
	}
	return os.RemoveAll(gone)
}

// Scraps lists what a kill -9 has left of networks that were being made or
// removed: directories without a definition.
func (n Networks) Scraps() (paths []string, err error) {
	entries, err := os.ReadDir(n.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		if r := n.record(entry.Name()); entry.IsDir() && !exists(r.path(definitionFile)) {
			paths = append(paths, string(r))
		}
	}
	return paths, err
}

// Sweep removes them. It waits for whoever makes or removes a network.
func (n Networks) Sweep() error {
	return locked(n.Dir, func() error {
		scraps, err := n.Scraps()
		errs := []error{err}
		for _, path := range scraps {
			errs = append(errs, os.RemoveAll(path))
		}
		return errors.Join(errs...)
	})
}

// Idle takes from the kernel what it has of a network that no container is on.
// The network itself stays.
func (n Networks) Idle(name string) error {
	dir := n.record(name)
	err := dir.locked(func() error {
		if used, err := dir.others(""); used || err != nil {
			return err
		}
		d, err := read(string(dir))
		if err != nil {
			return err
		}
		return n.dismantle(d)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
