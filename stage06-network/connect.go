package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	namespaces "cooper/stage01-namespaces"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// cabling is the work of plugging one container into its networks, or out.
//
// Going out needs the container's ID and no more: who is on which network
// stands in the networks' records, and what was made outside is named by it.
type cabling struct {
	spec    *Spec
	process *namespaces.Process

	networks []*Definition // of the endpoints, in their order; from lease on
}

func (c *cabling) endpoints() []Endpoint     { return c.spec.Network.Endpoints }
func (c *cabling) record(name string) record { return c.spec.Network.Networks.record(name) }

// lease takes an address on each network. It keeps the bridge from being
// removed, too: that stays as long as there is a lease.
func (c *cabling) lease() error {
	c.networks = nil
	for i := range c.endpoints() {
		e := &c.endpoints()[i]
		if e.Link == "" {
			e.Link = fmt.Sprintf("eth%d", i)
		}
		d, err := c.leaseOn(e)
		if err != nil {
			return err
		}
		c.networks = append(c.networks, d)
	}
	return nil
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

// held calls do for each network that the container has a lease on, with the
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
		if !held {
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

// dismantle takes from the kernel what it has of a network. The bridge goes
// last, so that after a crash it still says that there is something to do.
func (n Networks) dismantle(d *Definition) error {
	if d.Driver != Bridge {
		return removeParent(d)
	}
	link, err := netlink.LinkByName(d.Link)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return n.removeRules(d)
	}
	if err != nil || !owns(n.record(d.Name), link) {
		return err // or it is someone else's, and so are the rules
	}
	if err = n.removeRules(d); err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("remove bridge %s: %w", d.Link, err)
	}
	return nil
}

// makeBridges makes what the containers of each network are joined by, if this
// is its first.
func (c *cabling) makeBridges() error {
	for _, d := range c.networks {
		r := c.record(d.Name)
		err := r.locked(func() error {
			if d.Driver != Bridge {
				return ensureParent(d)
			}
			return errors.Join(forward(d), ensureBridge(r, d))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// makeRules makes the networks' rules, if this is their first container.
func (c *cabling) makeRules() error {
	for _, d := range c.networks {
		if d.Driver != Bridge {
			continue
		}
		if err := c.spec.Network.Networks.ensureRules(d); err != nil {
			return err
		}
	}
	return nil
}

// quiet is done in the container's namespace before there is a link in it.
func (c *cabling) quiet() error {
	return c.inside(func(ns *os.File) error {
		return namespaces.Visit(ns, func() error { return settleIPv6("default", false) })
	})
}

// layCables makes the container's links.
func (c *cabling) layCables() error {
	return c.inside(func(ns *os.File) error {
		for i, d := range c.networks {
			e := &c.endpoints()[i]
			var err error
			if d.Driver == Bridge {
				err = addVeth(vethName(c.spec.ID, e.Link), d, e, ns)
			} else {
				err = addShared(d, e, ns)
			}
			if err == nil && d.IPv6 {
				err = namespaces.Visit(ns, func() error { return settleIPv6(e.Link, true) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// removeCables removes the host's ends. Links that share one of the host's are
// in the container, and go with its namespace.
func (c *cabling) removeCables() error {
	return c.held(false, func(_ record, l lease) error { return removeVeth(vethName(c.spec.ID, l.link)) })
}

// setAddresses configures the links in the container.
func (c *cabling) setAddresses() error {
	err := c.inside(func(ns *os.File) error {
		inside, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()), unix.NETLINK_ROUTE)
		if err != nil {
			return fmt.Errorf("open netlink in the container: %w", err)
		}
		defer inside.Close()
		for i := range c.endpoints() {
			e := &c.endpoints()[i]
			if err := e.configure(inside, e == c.spec.Network.wayOut()); err != nil {
				return err
			}
		}
		return nil
	})
	for i, d := range c.networks {
		if err == nil && d.Driver == Bridge {
			err = activate(vethName(c.spec.ID, c.endpoints()[i].Link), d.Link)
		}
	}
	return err
}

// publishPorts leads the ports to the container's address on the network that
// is its way out. On Macvlan and IPvlan that is an address of the wire's own,
// and there is nothing to lead.
func (c *cabling) publishPorts() error {
	way := c.spec.Network.wayOut()
	if way == nil || len(c.spec.Network.Ports) == 0 {
		return nil
	}
	d, err := read(string(c.record(way.Network)))
	if err != nil || d.Driver != Bridge {
		return err
	}
	return publish(c.spec.Network.Networks.Table, c.spec.Network.Ports, way.ips())
}

// withdraw takes the container's ports back. It asks the leases for the
// addresses, since the Spec on disk may be older. Of a Spec that is lost only
// the ID is known, no command and no ports; then the maps are searched.
func (c *cabling) withdraw() error {
	table, ports := c.spec.Network.Networks.Table, c.spec.Network.Ports
	if len(ports) == 0 && len(c.spec.Args) > 0 {
		return nil
	}
	return c.held(false, func(_ record, l lease) error {
		if len(c.spec.Args) == 0 {
			return unpublishAll(table, l.addresses)
		}
		return errors.Join(unpublish(table, ports, l.addresses), forget(ports, l.addresses))
	})
}

// inside opens the network namespace of the process, which must be our child or
// otherwise unable to lose its pid.
func (c *cabling) inside(do func(*os.File) error) error {
	file, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.process.Pid))
	if err != nil {
		return fmt.Errorf("open network namespace: %w", err)
	}
	defer file.Close()
	return do(file)
}
