package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"

	"cooper/stage02-cgroups"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"
)

// Update changes a container's limits: those that aren't zero, of a running
// container at once, and for all its runs to come.
//
// The kernel is asked first. What it refuses isn't written down; and a kill
// between the two leaves a container that has its new limits until it ends.
func (e *Engine) Update(name string, change Limits) error {
	c, lock, err := e.claimWhole(name)
	if err != nil {
		return err
	}
	defer lock.Close()
	spec, err := c.spec()
	if err != nil {
		return err
	}
	spec.Limits = merge(spec.Limits, change)
	c.config.Options.Limits = merge(c.config.Options.Limits, change)
	if err := check(spec); err != nil {
		return err
	}
	if c.running() {
		if err := c.limit(spec.Limits, change); err != nil {
			return err
		}
	}
	return c.record(spec)
}

// limit changes the cgroup of a running container.
//
// The swap that comes with a memory limit when nobody asks for another is as
// much again. It follows the limit; on a machine that doesn't limit swap there
// is nothing to follow.
func (c *container) limit(all, change Limits) error {
	group, err := c.group()
	if errors.Is(err, os.ErrNotExist) {
		return nil // it has just ended
	}
	if err != nil {
		return err
	}
	if change.Memory > 0 && all.MemorySwap == 0 {
		both := change
		both.MemorySwap = 2 * change.Memory
		if err := group.Update(both); !errors.Is(err, fs.ErrNotExist) {
			return refusal(err)
		}
	}
	return refusal(group.Update(change))
}

// refusal is the kernel's no to a limit.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrInvalid, err)
}

// record writes the container's changed options and Spec down.
func (c *container) record(spec *network.Spec) error {
	durability := state.Durability(!c.config.Options.AutoRemove)
	return errors.Join(
		state.WriteJSON(c.dir, state.SpecFile, spec, durability),
		state.WriteJSON(c.dir, state.ConfigFile, c.config, durability))
}

// merge lays the fields of change that say something over those of limits.
// Whatever fields Limits will have: by reflection, none can be forgotten.
func merge(limits, change cgroups.Limits) cgroups.Limits {
	into, from := reflect.ValueOf(&limits).Elem(), reflect.ValueOf(change)
	for i := range into.NumField() {
		if !from.Field(i).IsZero() {
			into.Field(i).Set(from.Field(i))
		}
	}
	return limits
}
