package network

import (
	"errors"
	"fmt"
	"os"
	"slices"

	namespaces "cooper/stage01-namespaces"

	"github.com/vishvananda/netlink"
)

// Attach plugs a running container into one more network, and adds its place
// there to the Spec. The file is its network namespace: a pid could become
// another's meanwhile. When it fails, nothing is left of it.
func Attach(s *Spec, namespace *os.File, e Endpoint) error {
	before := s.Network.ways()
	added, err := addedHosts(s)
	if err != nil {
		return err
	}
	if err := Join(s, e); err != nil {
		return err
	}
	c := &cabling{spec: s, opened: namespace, only: e.Network}
	steps := append(c.plug(),
		namespaces.Step{Name: "network/publish", Do: func() error { return c.lead(before) }, Undo: c.withdraw},
		namespaces.Step{Name: "network/write_files", Do: func() error { return writeFiles(s, added) }},
	)
	if err := namespaces.Take(steps, nil); err != nil {
		failed := s.Network.ways()
		s.Network.Endpoints = s.Network.Endpoints[:len(s.Network.Endpoints)-1]
		return errors.Join(err, c.lead(failed), writeFiles(s, added))
	}
	return nil
}

// Detach unplugs a running container from a network and takes its place there
// out of the Spec.
func Detach(s *Spec, namespace *os.File, network string) error {
	gone := s.Network.On(network)
	if gone == nil {
		return Leave(s, network)
	}
	before := s.Network.ways()
	added, err := addedHosts(s)
	if err != nil {
		return err
	}
	c := &cabling{spec: s, opened: namespace, only: network}
	if err := errors.Join(c.withdraw(), c.removeLink(gone.Link), namespaces.Undo(c.plug())); err != nil {
		return err
	}
	if err := Leave(s, network); err != nil {
		return err
	}
	return errors.Join(c.lead(before), writeFiles(s, added))
}

// lead has the default routes and the published ports lead by the container's
// ways out, which are others by now than they were before.
//
// A client that comes between the two changes of the maps comes to the Proxy.
func (c *cabling) lead(before ways) error {
	if c.spec.Network.ways() == before {
		return nil
	}
	all := &cabling{spec: c.spec, opened: c.opened}
	return errors.Join(all.setRoutes(), all.withdraw(), all.publishPorts())
}

// Join is Attach for a container that doesn't run: it will be on the network
// when it is started.
func Join(s *Spec, e Endpoint) error {
	if s.Network.Mode != Plugged {
		return fmt.Errorf("connect to network %s: the container has the network %q, which can't be beside another", e.Network, s.Network.Mode)
	}
	if s.Network.On(e.Network) != nil {
		return fmt.Errorf("connect to network %s: the container is on it already", e.Network)
	}
	if err := e.validate(); err != nil {
		return err
	}
	s.Network.Endpoints = append(s.Network.Endpoints, e)
	return nil
}

// Leave is Detach for a container that doesn't run.
func Leave(s *Spec, network string) error {
	if s.Network.On(network) == nil {
		return fmt.Errorf("disconnect from network %s: the container isn't on it", network)
	}
	s.Network.Endpoints = slices.DeleteFunc(s.Network.Endpoints, func(e Endpoint) bool { return e.Network == network })
	return nil
}

// On returns the container's place in a network, or nil.
func (n *Network) On(network string) *Endpoint {
	for i := range n.Endpoints {
		if n.Endpoints[i].Network == network {
			return &n.Endpoints[i]
		}
	}
	return nil
}

// removeLink removes a link in the container. That of a cable takes the host's
// end along.
func (c *cabling) removeLink(name string) error {
	return c.inside(func(inside *netlink.Handle) error {
		link, err := inside.LinkByName(name)
		if errors.As(err, &netlink.LinkNotFoundError{}) {
			return nil
		}
		if err == nil {
			err = inside.LinkDel(link)
		}
		return err
	})
}
