package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"strings"

	"cooper/stage01-namespaces"
	"cooper/stage06-network"
)

// Network is the definition of a network; Driver is "bridge", "macvlan",
// "ipvlan", or for the two that are always there "host" and "null".
type Network = network.Definition

// Endpoint is a container's place in a network.
type Endpoint = network.Endpoint

// isPredefined reports whether a network is there without being made.
func isPredefined(name string) bool {
	return name == network.DefaultNetwork || name == string(network.None) || name == string(network.Host)
}

// CreateNetwork makes a network of what was asked for.
func (e *Engine) CreateNetwork(asked Network) (*Network, error) {
	if isPredefined(asked.Name) {
		return nil, tell(ErrForbidden, "operation is not permitted on predefined %s network", asked.Name)
	}
	if asked.Driver == "host" || asked.Driver == "null" || asked.Driver == "none" {
		return nil, tell(ErrForbidden, "only one instance of %q network is allowed", asked.Driver)
	}
	d, err := e.networks().Create(asked)
	if errors.Is(err, fs.ErrExist) {
		return nil, tell(ErrConflict, "network with name %s already exists", asked.Name)
	}
	if err != nil {
		return nil, tell(ErrInvalid, "%s", err)
	}
	return d, nil
}

// Network finds a network by its name, its ID or the beginning of that.
func (e *Engine) Network(name string) (*Network, error) {
	if isPredefined(name) {
		list, err := e.predefined()
		for _, d := range list {
			if d.Name == name {
				return d, err
			}
		}
		return nil, err
	}
	d, err := e.networks().Find(name)
	if missing := new(network.NotFound); errors.As(err, &missing) {
		return nil, tell(ErrNotFound, "network %s not found", quotedPath(name))
	}
	return d, err
}

// Networks lists all networks, the predefined ones first.
func (e *Engine) Networks() ([]*Network, error) {
	list, err := e.predefined()
	if err != nil {
		return nil, err
	}
	made, err := e.networks().List()
	for _, d := range made {
		if !isPredefined(d.Name) {
			list = append(list, d)
		}
	}
	return list, err
}

// predefined are the networks that are there without being made.
func (e *Engine) predefined() ([]*Network, error) {
	bridge, err := e.networks().Default()
	if err != nil {
		return nil, err
	}
	return []*Network{
		bridge,
		{Name: string(network.Host), ID: idOf(e.Root, string(network.Host)), Driver: "host", Created: bridge.Created},
		{Name: string(network.None), ID: idOf(e.Root, string(network.None)), Driver: "null", Created: bridge.Created},
	}, nil
}

// RemoveNetwork removes a network that no container is on.
func (e *Engine) RemoveNetwork(name string) error {
	if isPredefined(name) {
		return tell(ErrForbidden, "%s is a pre-defined network and cannot be removed", name)
	}
	d, err := e.Network(name)
	if err != nil {
		return err
	}
	err = e.healOn(d.Name)
	if err == nil {
		err = e.networks().Remove(d.Name)
	}
	if used := new(network.InUse); errors.As(err, &used) {
		return tell(ErrConflict, "error while removing network: network %s id %s has active endpoints (%s): stop these containers or disconnect them first", d.Name, d.ID[:12], e.namesOf(used.Containers))
	}
	if _, missing := e.Network(d.Name); err != nil && errors.Is(missing, ErrNotFound) {
		return missing // somebody else was faster
	}
	return err
}

// PruneNetworks removes the networks that no container is on and that the
// filter chooses, and returns their names.
func (e *Engine) PruneNetworks(filter *NetworkFilter) (removed []string, err error) {
	list, err := e.networks().List()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, d := range list {
		if chosen, err := filter.Chooses(d); !chosen || err != nil || isPredefined(d.Name) {
			errs = append(errs, err)
			continue
		}
		err := e.RemoveNetwork(d.Name)
		switch {
		case err == nil:
			removed = append(removed, d.Name)
		case !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound):
			errs = append(errs, err)
		}
	}
	return removed, errors.Join(errs...)
}

// Places lists who is on a network, by the containers' IDs.
func (e *Engine) Places(d *Network) (map[string]network.Place, error) {
	places, err := e.networks().Places(d.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // host or none
	}
	return places, err
}

// healOn tidies up after containers on a network whose shims are dead: else
// their leases would hold it for ever.
func (e *Engine) healOn(name string) error {
	places, err := e.networks().Places(name)
	return errors.Join(e.healAll(maps.Keys(places)), err)
}

// healAll tidies up after those of the containers whose shims are dead.
func (e *Engine) healAll(ids iter.Seq[string]) error {
	var errs []error
	for id := range ids {
		c, err := e.load(id)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if !e.BeingMade(id) {
				errs = append(errs, e.undoLoose(id))
			}
		case err == nil:
			if err := e.tryHeal(c); !errors.Is(err, fs.ErrNotExist) { // else it was to be removed at its end
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// undoLoose undoes what was made outside for a container of which there is no
// record: it all carries the container's id.
func (e *Engine) undoLoose(id string) error {
	return namespaces.Undo(network.Outside(e.bareSpec(id), new(namespaces.Process), e.store))
}

func (e *Engine) namesOf(ids []string) string {
	var names []string
	for _, id := range ids {
		if c, err := e.load(id); err == nil {
			names = append(names, c.name())
		} else {
			names = append(names, id[:12])
		}
	}
	return strings.Join(names, ", ")
}

// idOf is the ID of a thing that is there without being made.
func idOf(root, name string) string {
	sum := sha256.Sum256([]byte(root + "/" + name))
	return hex.EncodeToString(sum[:])
}
