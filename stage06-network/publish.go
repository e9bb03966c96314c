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

// published maps a port of every address of the host, publishedOn one of a
// single address. Each part of a key or a value is padded to 4 bytes:
//
//	tcp . 8080               06 00 00 00 | 1f 90 00 00
//	10.118.0.2 . 80          0a 76 00 02 | 00 50 00 00
func published(table *nftables.Table) *nftables.Set {
	return portMap(table, "published", nftables.TypeInetProto, nftables.TypeInetService)
}

func publishedOn(table *nftables.Table) *nftables.Set {
	return portMap(table, "published_on", nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService)
}

func portMap(table *nftables.Table, name string, key ...nftables.SetDatatype) *nftables.Set {
	return &nftables.Set{
		Table: table, Name: name, IsMap: true, Concatenation: true,
		KeyType:  nftables.MustConcatSetType(key...),
		DataType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService),
	}
}

// element is the port's place in one of the two maps.
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
func publish(tableName string, ports []Port, container netip.Addr) error {
	return change(tableName, ports, container, (*nftables.Conn).SetAddElements)
}

// unpublish takes the ports out of the maps again, if they are ours.
//
// The kernel deletes an element by its key, whatever it leads to. So the
// transaction adds each one first: that does nothing if it is there as we would
// have it, and if it leads elsewhere the kernel refuses the whole transaction,
// as then none of the ports was ever ours.
func unpublish(tableName string, ports []Port, container netip.Addr) error {
	err := change(tableName, ports, container, func(conn *nftables.Conn, portMap *nftables.Set, elements []nftables.SetElement) error {
		if err := conn.SetAddElements(portMap, elements); err != nil {
			return err
		}
		return conn.SetDeleteElements(portMap, elements)
	})
	if errors.Is(err, unix.EADDRINUSE) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// unpublishAll takes out of the maps whatever leads to the container. It reads
// them whole, and is only for a container whose ports nobody knows any more.
func unpublishAll(tableName string, container netip.Addr) error {
	conn, finish, err := transaction()
	if err != nil {
		return err
	}
	defer finish()
	table, err := conn.ListTable(tableName)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find table %s: %w", tableName, err)
	}
	for _, portMap := range []*nftables.Set{published(table), publishedOn(table)} {
		elements, err := conn.GetSetElements(portMap)
		if err != nil {
			return fmt.Errorf("read map %s: %w", portMap.Name, err)
		}
		ours := slices.DeleteFunc(elements, func(element nftables.SetElement) bool {
			return !bytes.HasPrefix(element.Val, container.AsSlice())
		})
		for some := range slices.Chunk(ours, 500) {
			if err := conn.SetDeleteElements(portMap, some); err != nil {
				return err
			}
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("take the ports of %s back: %w", container, err)
	}
	return nil
}

// change sends one transaction for all ports that the kernel is to lead.
func change(tableName string, ports []Port, container netip.Addr, how func(*nftables.Conn, *nftables.Set, []nftables.SetElement) error) error {
	conn, finish, err := transaction()
	if err != nil {
		return err
	}
	defer finish()
	table := &nftables.Table{Name: tableName, Family: nftables.TableFamilyIPv4}
	everywhere, somewhere := elements(ports, container)
	for portMap, elements := range map[*nftables.Set][]nftables.SetElement{published(table): everywhere, publishedOn(table): somewhere} {
		// A message's list of elements may have 65,535 bytes.
		for some := range slices.Chunk(elements, 500) {
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

func elements(ports []Port, container netip.Addr) (everywhere, somewhere []nftables.SetElement) {
	for _, port := range ports {
		switch {
		case !port.routed():
		case port.everywhere():
			everywhere = append(everywhere, port.element(container))
		default:
			somewhere = append(somewhere, port.element(container))
		}
	}
	return everywhere, somewhere
}
