package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	namespaces "cooper/stage01-namespaces"
)

// cabling is the work of plugging one container into its networks, or out.
//
// Going out needs the container's ID and no more: who is on which network
// stands in the networks' records, and what was made outside is named by it.
type cabling struct {
	spec    *Spec
	process *namespaces.Process // the container's, on its way into life
	opened  *os.File            // or the network namespace of one that runs
	only    string              // the network that is meant; "" is all of the container's

	networks []*Definition // of the endpoints, in their order; from lease on
	silence  func() error  // ends what answers the container's queries for names
}

// endpoints are those that are meant.
func (c *cabling) endpoints() (list []*Endpoint) {
	for i := range c.spec.Network.Endpoints {
		if e := &c.spec.Network.Endpoints[i]; c.only == "" || e.Network == c.only {
			list = append(list, e)
		}
	}
	return list
}

func (c *cabling) record(name string) record { return c.spec.Network.Networks.record(name) }

// lease takes an address on each network. It keeps the bridge from being
// removed, too: that stays as long as there is a lease.
func (c *cabling) lease() error {
	c.networks = nil
	for _, e := range c.endpoints() {
		if e.Link == "" {
			e.Link = c.spec.Network.freeLink()
		}
		d, err := c.leaseOn(e)
		if err != nil {
			return err
		}
		c.networks = append(c.networks, d)
	}
	return nil
}

// freeLink returns the first of eth0, eth1, … that no endpoint has.
func (n *Network) freeLink() string {
	for i := 0; ; i++ {
		name := fmt.Sprintf("eth%d", i)
		if !slices.ContainsFunc(n.Endpoints, func(e Endpoint) bool { return e.Link == name }) {
			return name
		}
	}
}

func (c *cabling) leaseOn(e *Endpoint) (d *Definition, err error) {
	if e.Network == DefaultNetwork {
		if _, err := c.spec.Network.Networks.Default(); err != nil {
			return nil, err
		}
	}
	r := c.record(e.Network)
	err = r.locked(func() error {
		if d, err = read(string(r)); err != nil {
			return err
		}
		return r.lease(c.spec.ID, d, e, slices.Concat(c.spec.Network.Names, e.Aliases))
	})
	if errors.Is(err, fs.ErrNotExist) && !exists(r.path(definitionFile)) {
		err = &NotFound{e.Network}
	}
	return d, err
}

// held calls do for each network meant that the container has a lease on, with the
// network's lock unless it is only to be looked at.
func (c *cabling) held(lock bool, do func(record, lease) error) error {
	dir := c.spec.Network.Networks.Dir
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever made
	}
	errs := []error{err}
	for _, entry := range entries {
		r := c.record(entry.Name())
		l, held := r.held(c.spec.ID)
		if !held || c.only != "" && c.only != r.name() {
			continue
		}
		if !lock {
			errs = append(errs, do(r, l))
			continue
		}
		errs = append(errs, r.locked(func() error { return do(r, l) }))
	}
	return errors.Join(errs...)
}

// giveBack ends the leases. Whoever is last on a network takes its bridge and
// rules along, unless they are kept. That is decided here and not where the
// bridge was made: of two containers that go at once each would still see the
// other's lease there, and both would leave the bridge behind.
func (c *cabling) giveBack() error {
	networks := c.spec.Network.Networks
	return c.held(true, func(r record, _ lease) error {
		used, err := true, error(nil)
		if !networks.Keep {
			used, err = r.others(c.spec.ID)
		}
		if err == nil && !used {
			var d *Definition
			if d, err = read(string(r)); err == nil {
				err = networks.dismantle(d)
			}
		}
		return errors.Join(err, r.giveBack(c.spec.ID))
	})
}
