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
	hadWayOut := s.Network.wayOut() != nil
	if err := Join(s, e); err != nil {
		return err
	}
	c := &cabling{spec: s, opened: namespace, only: e.Network}
	steps := c.plug()
	if !hadWayOut {
		steps = append(steps, c.publish())
	}
	if err := namespaces.Take(steps, nil); err != nil {
		s.Network.Endpoints = s.Network.Endpoints[:len(s.Network.Endpoints)-1]
		return err
	}
	return writeFiles(s)
}

// Detach unplugs a running container from a network and takes its place there
// out of the Spec. If the default route led there, and with it the published
// ports, they lead to the next network that has a way out.
func Detach(s *Spec, namespace *os.File, network string) error {
	gone := s.Network.On(network)
	if gone == nil {
		return Leave(s, network)
	}
	wasWayOut := gone == s.Network.wayOut()
	c := &cabling{spec: s, opened: namespace, only: network}
	if err := errors.Join(c.withdraw(), c.removeLink(gone.Link), namespaces.Undo(c.plug())); err != nil {
		return err
	}
	if err := Leave(s, network); err != nil {
		return err
	}
	if next := s.Network.wayOut(); wasWayOut && next != nil {
		c := &cabling{spec: s, opened: namespace, only: next.Network}
		if err := errors.Join(c.setAddresses(), c.publishPorts()); err != nil {
			return err
		}
	}
	return writeFiles(s)
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
