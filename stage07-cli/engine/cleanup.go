package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"

	"github.com/vishvananda/netlink"
)

// leftover is something that no container of this engine accounts for.
type leftover struct {
	what   string
	remove func() error
}

// leftovers finds what a kill -9 or a power cut may leave: containers whose
// shim is dead, half-made and half-removed ones, names without a container,
// sockets without a shim, and addresses and links without either.
func (e *Engine) leftovers() ([]leftover, error) {
	var found []leftover
	var errs []error
	for _, search := range []func() ([]leftover, error){e.deadRuns, e.scraps, e.looseNames, e.looseRuns, e.looseLeases, e.halfNetworks} {
		some, err := search()
		found, errs = append(found, some...), append(errs, err)
	}
	return found, errors.Join(errs...)
}

// Cleanup removes whatever was left behind by something that was killed, and
// says what it removed.
func (e *Engine) Cleanup(ctx context.Context) (removed []string, err error) {
	found, err := e.leftovers()
	errs := []error{err}
	for _, left := range found {
		if ctx.Err() != nil {
			return removed, ctx.Err()
		}
		if err := left.remove(); err != nil {
			errs = append(errs, fmt.Errorf("remove %s: %w", left.what, err))
			continue
		}
		removed = append(removed, left.what)
	}
	bridges, err := e.removeIdleBridges()
	return append(removed, bridges...), errors.Join(append(errs, err)...)
}

// removeIdleBridges removes the bridges that no container is plugged into. They
// aren't leftovers: each stays for the next container, which would take 3 ms to
// make it anew, and for the last one, which would take 30 ms to remove it.
func (e *Engine) removeIdleBridges() (removed []string, err error) {
	list, err := e.networks().List()
	errs := []error{err}
	for _, d := range list {
		if d.Driver != network.Bridge || !isLink(d.Link) {
			continue
		}
		errs = append(errs, e.networks().Idle(d.Name))
		if !isLink(d.Link) {
			removed = append(removed, "the bridge "+d.Link)
		}
	}
	return removed, errors.Join(errs...)
}

func isLink(name string) bool {
	_, err := netlink.LinkByName(name)
	return err == nil
}

func (e *Engine) deadRuns() ([]leftover, error) {
	ids, err := e.ids()
	var found []leftover
	for _, id := range ids {
		if c, err := e.load(id); err == nil && c.seen.Phase == state.Died {
			found = append(found, leftover{"the dead run of container " + c.name(), func() error { return e.healed(c) }})
		}
	}
	return found, err
}

// scraps are what was being made or unmade under tmp by a process that is dead.
func (e *Engine) scraps() ([]leftover, error) {
	scraps, err := e.Scraps()
	var found []leftover
	for _, path := range scraps {
		found = append(found, leftover{path, func() error { return state.RemoveTree(path) }})
	}
	return found, err
}

func (e *Engine) looseNames() ([]leftover, error) {
	entries, err := os.ReadDir(filepath.Join(e.Root, "names"))
	var found []leftover
	for _, entry := range entries {
		id, err := e.NameOwner(entry.Name())
		if err != nil || e.exists(id) || e.BeingMade(id) || e.exists(id) {
			continue
		}
		found = append(found, leftover{"the name " + entry.Name(), func() error { return e.ReleaseName(entry.Name(), id) }})
	}
	return found, err
}

func (e *Engine) exists(id string) bool {
	_, err := os.Lstat(e.Container(id))
	return err == nil
}

// looseRuns are directories of shims that are no more.
func (e *Engine) looseRuns() ([]leftover, error) {
	entries, err := os.ReadDir(e.RunDir)
	var found []leftover
	for _, entry := range entries {
		id := entry.Name()
		if !state.ValidID(id) || e.isActive(id) {
			continue
		}
		found = append(found, leftover{e.Volatile(id), func() error { return state.RemoveTree(e.Volatile(id)) }})
	}
	return found, err
}

func (e *Engine) isActive(id string) bool {
	c, err := e.load(id)
	return err == nil && c.active()
}

// looseLeases are addresses of containers that don't run. What else was made
// outside for such a container carries its id and goes with it.
func (e *Engine) looseLeases() (found []leftover, err error) {
	list, err := e.networks().List()
	errs := []error{err}
	seen := map[string]bool{}
	for _, d := range list {
		places, err := e.Places(d)
		errs = append(errs, err)
		for id := range places {
			if seen[id] || e.isActive(id) || e.BeingMade(id) {
				continue
			}
			seen[id] = true
			found = append(found, leftover{"the address of container " + id[:12], func() error { return e.undoLoose(id) }})
		}
	}
	return found, errors.Join(errs...)
}

// halfNetworks are what is left of networks that were being made or removed.
func (e *Engine) halfNetworks() (found []leftover, err error) {
	scraps, err := e.networks().Scraps()
	for _, path := range scraps {
		found = append(found, leftover{path, e.networks().Sweep})
	}
	return found, err
}
