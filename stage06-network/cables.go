package network

import (
	"errors"
	"fmt"
	"os"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage06-network/firewall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// makeBridges makes what the containers of each network are joined by, if this
// is its first.
func (c *cabling) makeBridges() error {
	for _, d := range c.networks {
		r := c.record(d.Name)
		err := r.locked(func() error {
			if d.Driver != Bridge {
				return ensureParent(d, c.spec.Network.Networks.Table)
			}
			if !d.Internal {
				if err := forward(d); err != nil {
					return err
				}
			}
			return ensureBridge(r, d)
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

// admit has the host's other firewalls let the bridges' packets pass.
func (c *cabling) admit() error {
	for _, d := range c.networks {
		if d.Driver != Bridge {
			continue
		}
		if err := firewall.Admit(d.linkPattern()); err != nil {
			return err
		}
	}
	return nil
}

// quiet is done in the container's namespace before there is a link in it.
func (c *cabling) quiet() error {
	ns, err := c.namespace()
	if err != nil {
		return err
	}
	defer ns.Close()
	return namespaces.Visit(ns, func() error { return settleIPv6("default", false) })
}

// layCables makes the container's links.
func (c *cabling) layCables() error {
	ns, err := c.namespace()
	if err != nil {
		return err
	}
	defer ns.Close()
	for i, e := range c.endpoints() {
		d := c.networks[i]
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
}

// removeCables removes the host's ends. Links that share one of the host's are
// in the container, and go with its namespace.
func (c *cabling) removeCables() error {
	return c.held(false, func(_ record, l lease) error { return removeVeth(vethName(c.spec.ID, l.link)) })
}

// setAddresses configures the links in the container.
func (c *cabling) setAddresses() error {
	err := c.inside(func(inside *netlink.Handle) error {
		for _, e := range c.endpoints() {
			if err := e.configure(inside, c.spec.Network.gateways(e)); err != nil {
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

// setRoutes sets the default routes of a container that has its links.
func (c *cabling) setRoutes() error {
	return c.inside(func(inside *netlink.Handle) error {
		for _, e := range c.endpoints() {
			gateways := c.spec.Network.gateways(e)
			if len(gateways) == 0 {
				continue
			}
			if err := e.configure(inside, gateways); err != nil {
				return err
			}
		}
		return nil
	})
}

// publishPorts leads the ports to the container's addresses on the networks
// that are its ways out.
func (c *cabling) publishPorts() error {
	if len(c.spec.Network.Ports) == 0 {
		return nil
	}
	to, err := c.spec.Network.published()
	if err != nil || len(to) == 0 {
		return err
	}
	return publish(c.spec.Network.Networks.Table, c.spec.Network.Ports, to)
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
		var errs []error
		for i := range l.addresses { // the other family's may lead to another network
			errs = append(errs, unpublish(table, ports, l.addresses[i:i+1]))
		}
		return errors.Join(append(errs, forget(ports, l.addresses))...)
	})
}

// inside calls do with a netlink socket in the container's network namespace. A
// socket stays in the namespace that it was opened in, and no thread has to.
func (c *cabling) inside(do func(*netlink.Handle) error) error {
	ns, err := c.namespace()
	if err != nil {
		return err
	}
	defer ns.Close()
	inside, err := netlink.NewHandleAt(netns.NsHandle(ns.Fd()), unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink in the container: %w", err)
	}
	defer inside.Close()
	return do(inside)
}

// namespace opens the container's network namespace. The process is our child,
// and can't lose its pid.
func (c *cabling) namespace() (*os.File, error) {
	path := ""
	if c.opened != nil {
		path = fmt.Sprintf("/proc/self/fd/%d", c.opened.Fd())
	} else {
		path = fmt.Sprintf("/proc/%d/ns/net", c.process.Pid)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open network namespace: %w", err)
	}
	return file, nil
}
