package network

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/google/nftables"
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
// to be published at. On which address of the host it is doesn't matter here. The
// table's lock keeps the maps there while they are read.
func (n *Network) portHolders(ids map[string]bool) error {
	if !slices.ContainsFunc(n.Ports, func(port Port) bool { return port.HostPort != 0 }) {
		return nil
	}
	err := n.Networks.changeTable(func(conn *nftables.Conn) error {
		if there, err := hasTable(conn, n.Networks.Table, nftables.TableFamilyINet); !there {
			return err
		}
		for _, portMap := range portMaps(tableNamed(n.Networks.Table)) {
			elements, err := conn.GetSetElements(portMap)
			if err != nil {
				return fmt.Errorf("read map %s: %w", portMap.Name, err)
			}
			for _, element := range elements {
				if slices.ContainsFunc(n.Ports, func(port Port) bool { return port.mayBe(element.Key) }) {
					n.Networks.owners(element.Val[:len(element.Val)-4], ids)
				}
			}
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there has been no network yet
	}
	return err
}

// mayBe reports whether the port may get that key of a map, which ends with the
// protocol and the number.
func (p Port) mayBe(key []byte) bool {
	end := key[len(key)-8:]
	number := binary.BigEndian.Uint16(end[4:])
	return p.protocolNumber() == end[0] && p.HostPort <= number && number <= max(p.HostPort, p.HostPortLast)
}

// owners adds who has an address on any of the networks.
func (n Networks) owners(address []byte, ids map[string]bool) {
	ip, _ := netip.AddrFromSlice(address)
	entries, _ := os.ReadDir(n.Dir) // without it nobody has one
	for _, entry := range entries {
		if id, err := os.Readlink(n.record(entry.Name()).path(ip.String())); err == nil {
			ids[id] = true
		}
	}
}
