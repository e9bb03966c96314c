package network

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// The maps of published ports: of every address of the host, or of one; to a
// container's address of IPv4, or of IPv6. Each part of a key or a value is
// padded to 4 bytes:
//
//	tcp . 8080               06 00 00 00 | 1f 90 00 00
//	10.118.0.2 . 80          0a 76 00 02 | 00 50 00 00
func portMaps(table *nftables.Table) []*nftables.Set {
	return []*nftables.Set{
		portMap(table, "published", nftables.TypeIPAddr),
		portMap(table, "published_on", nftables.TypeIPAddr, nftables.TypeIPAddr),
		portMap(table, "published6", nftables.TypeIP6Addr),
		portMap(table, "published6_on", nftables.TypeIP6Addr, nftables.TypeIP6Addr),
	}
}

func portMap(table *nftables.Table, name string, to nftables.SetDatatype, host ...nftables.SetDatatype) *nftables.Set {
	return &nftables.Set{
		Table: table, Name: name, IsMap: true, Concatenation: true,
		KeyType:  nftables.MustConcatSetType(append(host, nftables.TypeInetProto, nftables.TypeInetService)...),
		DataType: nftables.MustConcatSetType(to, nftables.TypeInetService),
	}
}

// elements sorts the ports into the maps, by name. A port on loopback is in
// none, nor one on an address of a family that the container hasn't: those have
// only the Proxy.
func elements(ports []Port, container []netip.Addr) map[string][]nftables.SetElement {
	sorted := map[string][]nftables.SetElement{}
	for _, port := range ports {
		for _, ip := range container {
			name := "published"
			if ip.Is6() {
				name += "6"
			}
			switch {
			case port.on(ip.Is4()):
			case port.HostIP.Is4() == ip.Is4() && !port.everywhere() && !port.HostIP.IsLoopback():
				name += "_on"
			default:
				continue
			}
			sorted[name] = append(sorted[name], port.element(ip))
		}
	}
	return sorted
}

// on reports whether the port is on every address of the host of this family.
// Who asks for 0.0.0.0 doesn't ask for IPv6; who asks for [::] or for nothing
// does ask for both.
func (p Port) on(ipv4 bool) bool {
	return p.everywhere() && (ipv4 || !p.HostIP.Is4())
}

// element is the port's place in one of the maps.
func (p Port) element(container netip.Addr) nftables.SetElement {
	var key []byte
	if !p.everywhere() {
		key = p.HostIP.AsSlice()
	}
	key = append(key, p.protocolNumber(), 0, 0, 0)
	return nftables.SetElement{
		Key: appendPort(key, p.HostPort),
		Val: appendPort(container.AsSlice(), p.ContainerPort),
	}
}

func (p Port) protocolNumber() byte {
	if p.Protocol == UDP {
		return unix.IPPROTO_UDP
	}
	return unix.IPPROTO_TCP
}

func appendPort(to []byte, port uint16) []byte {
	return append(binary.BigEndian.AppendUint16(to, port), 0, 0)
}

// publish adds the ports to the maps in one transaction: all of them or, if
// one is another container's, none.
func publish(tableName string, ports []Port, container []netip.Addr) error {
	return change(tableName, ports, container, (*nftables.Conn).SetAddElements)
}

// unpublish takes the ports out of the maps again, if they are ours. If one leads
// elsewhere, none of them was ever ours.
func unpublish(tableName string, ports []Port, container []netip.Addr) error {
	err := change(tableName, ports, container, takeOut)
	if errors.Is(err, unix.EADDRINUSE) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// drop takes an element out of a map, if it is there as it is given.
func (n Networks) drop(portMap string, element nftables.SetElement) error {
	conn, finish, err := transaction()
	if err != nil {
		return err
	}
	defer finish()
	sets, one := portMaps(tableNamed(n.Table)), []nftables.SetElement{element}
	set := sets[slices.IndexFunc(sets, func(set *nftables.Set) bool { return set.Name == portMap })]
	err = errors.Join(takeOut(conn, set, one), conn.Flush())
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENOENT) {
		return nil // another's by now, or gone
	}
	return err
}

// Unpublish takes the ports back from each address that the Spec has, though its
// leases may be given back by now. It is for a container that has ended while
// somebody else led its ports to another one of its networks.
func (n *Network) Unpublish() error {
	var errs []error
	for i := range n.Endpoints {
		for _, ip := range n.Endpoints[i].ips() {
			if ip.IsValid() {
				errs = append(errs, unpublish(n.Networks.Table, n.Ports, []netip.Addr{ip}))
			}
		}
	}
	return errors.Join(errs...)
}

// unpublishAll takes out of the maps whatever leads to the container. It reads
// them whole, and is only for a container whose ports nobody knows any more.
func unpublishAll(tableName string, container []netip.Addr) error {
	conn, finish, err := transaction()
	if err != nil {
		return err
	}
	defer finish()
	if there, err := hasTable(conn, tableName, nftables.TableFamilyINet); !there {
		return err // or it is gone with the last network
	}
	for _, portMap := range portMaps(tableNamed(tableName)) {
		elements, err := conn.GetSetElements(portMap)
		if err != nil {
			return fmt.Errorf("read map %s: %w", portMap.Name, err)
		}
		ours := slices.DeleteFunc(elements, func(element nftables.SetElement) bool { return !leadsTo(element, container) })
		for some := range slices.Chunk(ours, atOnce) {
			if err := conn.SetDeleteElements(portMap, some); err != nil {
				return err
			}
		}
	}
	err = conn.Flush()
	if errors.Is(err, unix.ENOENT) { // the container's own supervisor has just taken one back
		return unpublishAll(tableName, container)
	}
	if err != nil {
		return fmt.Errorf("take the ports of %v back: %w", container, err)
	}
	return nil
}

func leadsTo(element nftables.SetElement, container []netip.Addr) bool {
	return slices.ContainsFunc(container, func(ip netip.Addr) bool {
		return len(element.Val) == ip.BitLen()/8+4 && bytes.HasPrefix(element.Val, ip.AsSlice())
	})
}

// atOnce is how many elements fit into one message, whose list of them may have
// 65,535 bytes.
const atOnce = 500

// change sends one transaction for all ports that the kernel is to lead.
func change(tableName string, ports []Port, container []netip.Addr, how func(*nftables.Conn, *nftables.Set, []nftables.SetElement) error) error {
	conn, finish, err := transaction()
	if err != nil {
		return err
	}
	defer finish()
	sorted := elements(ports, container)
	for _, portMap := range portMaps(tableNamed(tableName)) {
		for some := range slices.Chunk(sorted[portMap.Name], atOnce) {
			if err := how(conn, portMap, some); err != nil {
				return err
			}
		}
	}
	err = conn.Flush()
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("publish %v: another container has it: %w", ports, unix.EADDRINUSE)
	}
	if err != nil {
		return fmt.Errorf("publish %v: %w", ports, err)
	}
	return nil
}
