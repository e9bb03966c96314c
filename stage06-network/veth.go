package network

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// vethName names the host's end of a container's cable, of which eth0's is
// found by eye: veth and the beginning of the container's ID. A link's name has
// 15 bytes at most; 11 hex digits tell two million containers apart with a
// chance of one in nine for a single clash, which would be an error, not a
// mix-up.
func vethName(id, link string) string {
	if link == "eth0" {
		return "veth" + id[:11]
	}
	sum := sha256.Sum256([]byte(id + link))
	return "veth" + hex.EncodeToString(sum[:])[:11]
}

// addVeth makes a pair of links joined like the ends of a cable: one in the
// host, plugged into the bridge, and one in the container.
//
// Both ends are born where they belong, by one message: the peer's namespace is
// given at creation. Making the pair here and moving one end afterwards would
// leave both in the host after a crash, and let two containers fight for the
// name eth0 on the way.
func addVeth(name string, d *Definition, e *Endpoint, inside *os.File) error {
	master, err := netlink.LinkByName(d.Link)
	if err != nil {
		return fmt.Errorf("find bridge %s: %w", d.Link, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Flags = name, master.Attrs().MTU, net.FlagUp
	attrs.MasterIndex = master.Attrs().Index
	cable := &netlink.Veth{
		LinkAttrs:        attrs,
		PeerName:         e.Link,
		PeerNamespace:    netlink.NsFd(inside.Fd()),
		PeerHardwareAddr: e.Hardware(),
	}
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("make veth %s: %w", name, err)
	}
	// Where bridged packets pass through the rules as well (br_netfilter), a
	// container that calls its own published port is answered through the port
	// it came from, which a bridge refuses unless told otherwise.
	if err := netlink.LinkSetHairpin(cable, true); err != nil {
		return fmt.Errorf("set hairpin of %s: %w", name, err)
	}
	if d.Options.refuses(optionReach) {
		if err := netlink.LinkSetIsolated(cable, true); err != nil {
			return fmt.Errorf("isolate %s: %w", name, err)
		}
	}
	return nil
}

// removeVeth removes both ends. Usually the kernel did so already, when the
// last process of the container's network namespace ended.
func removeVeth(name string) error {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if errors.As(err, &netlink.LinkNotFoundError{}) || errors.Is(err, unix.ENODEV) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove veth %s: %w", name, err)
	}
	return nil
}

// Hardware is the address of the container's end, made from its IP address
// unless another was asked for: whoever gets the IP address next has the same
// one, and no neighbour's memory is out of date.
func (e *Endpoint) Hardware() net.HardwareAddr {
	if mac, err := net.ParseMAC(e.MAC); err == nil {
		return mac
	}
	return append(net.HardwareAddr{0x02, 0x00}, e.Address.Addr().AsSlice()...)
}

// configure gives the container's link its addresses, and the container its
// default routes by these gateways, in place of those that it may have had. The
// handle is of a socket in the container's namespace.
func (e *Endpoint) configure(inside *netlink.Handle, gateways []netip.Addr) error {
	link, err := inside.LinkByName(e.Link)
	if err != nil {
		return fmt.Errorf("find %s: %w", e.Link, err)
	}
	for _, address := range e.addresses() {
		if err := inside.AddrReplace(link, &netlink.Addr{IPNet: ipNet(address), Flags: noDAD(address.Addr())}); err != nil {
			return fmt.Errorf("give %s the address %s: %w", e.Link, address, err)
		}
	}
	if err := inside.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring up %s: %w", e.Link, err)
	}
	for _, gateway := range gateways {
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Gw: gateway.AsSlice()}
		if err := inside.RouteReplace(route); err != nil {
			return fmt.Errorf("route by %s: %w", gateway, err)
		}
	}
	return nil
}

func (e *Endpoint) addresses() []netip.Prefix {
	if e.Address6.IsValid() {
		return []netip.Prefix{e.Address, e.Address6}
	}
	return []netip.Prefix{e.Address}
}

func (e *Endpoint) ips() (ips []netip.Addr) {
	for _, address := range e.addresses() {
		ips = append(ips, address.Addr())
	}
	return ips
}

// activate makes sure that the cable carries packets from the first one on.
//
// The host's end got its carrier only when the container's went up, and the
// bridge its own from its first port. The kernel acts on a carrier a little
// later, in a queue of work, and until then throws packets away without a word:
// a first packet that is lost is sent again after a whole second. Asking for a
// link's state does that work at once (Linux 6.8, linkwatch_sync_dev).
func activate(links ...string) error {
	for _, name := range links {
		if _, err := netlink.LinkByName(name); err != nil {
			return fmt.Errorf("look at %s: %w", name, err)
		}
	}
	return nil
}
