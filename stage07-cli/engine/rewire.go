package engine

import (
	"errors"
	"fmt"
	"os"

	"cooper/stage01-namespaces"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim"
	"cooper/stage07-cli/shim/state"
)

// Connect puts a container on one more network. One that doesn't run will be on
// it when it is started.
func (e *Engine) Connect(name string, place Endpoint) error {
	return e.rewire(name, place.Network, func(s *network.Spec, namespace *os.File, d *Network) error {
		place.Network = d.Name
		if err := validatePlace(&place, d); err != nil {
			return err
		}
		if s.Network.On(d.Name) != nil {
			return fmt.Errorf("endpoint with name %s already exists in network %s", e.namesOf([]string{s.ID}), d.Name)
		}
		if namespace == nil {
			return network.Join(s, place)
		}
		if half, err := e.recall(s, d); half {
			if err := network.Detach(s, namespace, d.Name); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		return network.Attach(s, namespace, place)
	})
}

// Disconnect takes a container off a network. With force also one of which
// nothing is left but its place there.
func (e *Engine) Disconnect(name, from string, force bool) error {
	err := e.rewire(name, from, func(s *network.Spec, namespace *os.File, d *Network) error {
		if namespace != nil {
			if _, err := e.recall(s, d); err != nil {
				return err
			}
		}
		switch {
		case s.Network.On(d.Name) == nil:
			return fmt.Errorf("container %s is not connected to network %s", e.namesOf([]string{s.ID}), d.Name)
		case namespace != nil:
			return network.Detach(s, namespace, d.Name)
		}
		return network.Leave(s, d.Name)
	})
	if force && errors.Is(err, ErrNotFound) {
		return e.disconnectGone(name, from)
	}
	return err
}

// rewire changes which networks a container is on, and writes it down. The lock
// keeps it from being started meanwhile. It can end, though, at any moment: so
// its namespace is held open, and what was made for one that is dead by then is
// undone, be its own supervisor at it or done.
func (e *Engine) rewire(name, net string, change func(*network.Spec, *os.File, *Network) error) error {
	d, err := e.Network(net)
	missing := err
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if d != nil && (d.Driver == "host" || d.Driver == "null") {
		return tell(ErrForbidden, "container cannot be connected to or disconnected from the network %s: that is settled when it is made", d.Name)
	}
	c, lock, err := e.claimWhole(name)
	if err != nil {
		return err
	}
	defer lock.Close()
	spec, err := c.spec()
	if err != nil {
		return err
	}
	if missing != nil {
		// One that was removed while a container that doesn't run was to be on it.
		if d = (&Network{Name: net}); spec.Network.On(net) == nil {
			return missing
		}
	}
	namespace, err := c.openNamespace("net")
	if err != nil {
		return err
	}
	defer namespace.Close()
	err = change(spec, namespace, d)
	if err != nil && namespace != nil && !c.seen.Status.Init.Alive() {
		// It ended in the middle: then this is about its next start.
		if err := e.unplug(spec); err != nil {
			return err
		}
		if spec, err = c.spec(); err != nil {
			return err
		}
		err = change(spec, nil, d)
	}
	if err != nil {
		// What is refused as done may have been killed right before the shim was told.
		return errors.Join(tell(ErrConflict, "%s", err), e.tellShim(c))
	}
	if err := state.WriteJSON(c.dir, state.SpecFile, spec, state.Durability(!c.config.Options.AutoRemove)); err != nil {
		return err
	}
	if namespace != nil && !c.seen.Status.Init.Alive() {
		return e.unplug(spec)
	}
	return e.tellShim(c)
}

// unplug undoes all that leads to a container. The rest of it is left to its
// supervisor, which still asks the cgroup how it ended. That one may have given
// back leases already by which the steps know what is the container's.
func (e *Engine) unplug(s *network.Spec) error {
	return errors.Join(namespaces.Undo(network.Connect(e.bareSpec(s.ID), new(namespaces.Process))), s.Network.Unpublish())
}

// tellShim has a container's supervisor follow the change.
func (e *Engine) tellShim(c *container) error {
	if !c.running() {
		return nil
	}
	client, err := shim.Connect(e.Volatile(c.id))
	if err == nil {
		err = errors.Join(client.Rewired(), client.Close())
	}
	if errors.Is(err, shim.ErrGone) {
		return nil // it has ended meanwhile
	}
	return err
}
