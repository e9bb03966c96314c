package network

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"time"

	namespaces "cooper/stage01-namespaces"
)

// Create makes a network of what was asked for, and chooses the rest: an ID, a
// link, subnets that are in nobody's way. Of the links on the host nothing is
// made until a container comes.
func (n Networks) Create(asked Definition) (*Definition, error) {
	d := &asked
	if err := d.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make network %s: %w", d.Name, err)
	}
	err := locked(n.Dir, func() error {
		dir := n.record(d.Name)
		if exists(dir.path(definitionFile)) {
			return fmt.Errorf("network with name %s already exists: %w", d.Name, fs.ErrExist)
		}
		if d.ID == "" {
			d.ID = namespaces.NewID()
		}
		d.Created = time.Now().UTC()
		if err := n.settle(d); err != nil {
			return err
		}
		if err := os.MkdirAll(string(dir), 0o700); err != nil {
			return err
		}
		return errors.Join(d.write(string(dir)), syncDir(n.Dir))
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// check refuses what can't be a network, whatever others there are.
func (d *Definition) check() error {
	switch {
	case !isNetworkName(d.Name):
		return fmt.Errorf("network name %q: use letters, digits and _.-, beginning with a letter or digit", d.Name)
	case Mode(d.Name) == None || Mode(d.Name) == Host || Mode(d.Name).isUserMode() || d.Name == "default":
		return fmt.Errorf("network name %q: it has a meaning of its own: use another", d.Name)
	case d.Driver != Bridge && d.Driver != Macvlan && d.Driver != IPvlan:
		return fmt.Errorf("network driver %q: use bridge, macvlan or ipvlan", d.Driver)
	}
	for _, subnet := range d.Subnets {
		if err := subnet.check(); err != nil {
			return err
		}
	}
	return d.Options.check(d.Driver)
}

// settle chooses what wasn't asked for. The caller holds the lock of all
// networks.
func (n Networks) settle(d *Definition) error {
	taken, err := n.taken()
	if err != nil {
		return err
	}
	if err := n.settleLink(d); err != nil {
		return err
	}
	return d.settleSubnets(taken)
}

func (n Networks) settleLink(d *Definition) error {
	switch {
	case d.Driver != Bridge:
		d.Link = d.Options[optionParent]
		if d.Link == "" {
			d.Link = linkNameOf(d.ID)
		}
		return nil
	case d.Options[optionBridgeName] != "":
		d.Link = d.Options[optionBridgeName]
	case d.Link == "":
		d.Link = linkNameOf(d.ID)
	}
	list, err := n.List()
	if err != nil {
		return err
	}
	for _, other := range list {
		if other.Link == d.Link {
			return fmt.Errorf("bridge %s: it is network %s's", d.Link, other.Name)
		}
	}
	return nil
}

// taken lists the addresses that no new network may have: those that the host
// has routes to, and those of the other networks.
func (n Networks) taken() ([]netip.Prefix, error) {
	taken, err := hostRoutes("")
	if err != nil {
		return nil, err
	}
	list, err := n.List()
	for _, d := range list {
		for _, subnet := range d.Subnets {
			taken = append(taken, subnet.Prefix)
		}
	}
	return taken, err
}
