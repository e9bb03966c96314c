package network

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Holders returns the containers that have what this one is to be given by its
// own wish: an address, a name on a network, a port of the host. Most live and
// keep it. But what belongs to one that was killed has nobody given back yet,
// and only whoever supervises containers knows which those are.
func (s *Spec) Holders() ([]string, error) {
	ids := map[string]bool{}
	for _, e := range s.Network.Endpoints {
		r := s.Network.Networks.record(e.Network)
		if err := r.holders(&e, s.Network.Names, ids); err != nil {
			return nil, err
		}
	}
	if err := s.Network.portHolders(ids); err != nil {
		return nil, err
	}
	maps.DeleteFunc(ids, func(id string, _ bool) bool { return id == s.ID || !isContainer(id) })
	return slices.Sorted(maps.Keys(ids)), nil
}

// holders adds those that have the endpoint's addresses or names.
func (r record) holders(e *Endpoint, names []string, ids map[string]bool) error {
	for _, ip := range []netip.Addr{e.IP, e.IP6} {
		if id, err := os.Readlink(r.path(ip.String())); ip.IsValid() && err == nil {
			ids[id] = true
		}
	}
	for _, name := range slices.Concat(names, e.Aliases) {
		if name = strings.ToLower(name); !isDNSName(name) {
			continue
		}
		entries, err := os.ReadDir(r.path("names", name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("look who is called %s: %w", name, err)
		}
		for _, entry := range entries {
			ids[entry.Name()] = true
		}
	}
	return nil
}

// portHolders adds those to which the rules lead a port that this container is
// to be published at. It asks for these ports alone: how many others there are
// must not matter to a start.
//
// A container takes its ports back before its addresses. So a port that leads to
// nobody's address was left by somebody who was killed while he led it to another
// network of a container that ended just then. It is free.
func (n *Network) portHolders(ids map[string]bool) error {
	var asked []Port
	for _, port := range n.Ports {
		if port.HostPort != 0 {
			asked = append(asked, port.each()...)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	conn, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	defer conn.Close()
	ofEachFamily := []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	for portMap, wanted := range elements(asked, ofEachFamily) {
		for _, element := range wanted {
			value, err := lookUp(conn, n.Networks.Table, portMap, element.Key)
			if len(value) > 4 && !n.Networks.owners(value[:len(value)-4], ids) {
				err = n.Networks.drop(portMap, nftables.SetElement{Key: element.Key, Val: value})
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// each are the ports of the host of which this one may become any.
func (p Port) each() (ports []Port) {
	for number := int(p.HostPort); number <= int(max(p.HostPort, p.HostPortLast)); number++ {
		one := p
		one.HostPort, one.HostPortLast = uint16(number), 0
		ports = append(ports, one)
	}
	return ports
}

// owners adds who has an address on any of the networks, and reports whether
// anybody has.
func (n Networks) owners(address []byte, ids map[string]bool) (found bool) {
	ip, _ := netip.AddrFromSlice(address)
	entries, _ := os.ReadDir(n.Dir) // without it nobody has one
	for _, entry := range entries {
		if id, err := os.Readlink(n.record(entry.Name()).path(ip.String())); err == nil {
			ids[id], found = true, true
		}
	}
	return found
}
