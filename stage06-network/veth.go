package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// vethName names the host's end of a container's cable. A link's name has 15
// bytes at most; 11 hex digits of the ID tell two million containers apart with
// a chance of one in nine for a single clash, which would be an error, not a mix-up.
func vethName(id string) string { return "veth" + id[:11] }

// addVeth makes a pair of links joined like the ends of a cable: one in the
// host, plugged into the bridge, and eth0 in the container.
//
// Both ends are born where they belong, by one message: the peer's namespace is
// given at creation. Making the pair here and moving one end afterwards would
// leave both in the host after a crash, and let two containers fight for the
// name eth0 on the way.
func addVeth(name, bridge string, netnsFD int, hardware net.HardwareAddr) error {
	master, err := netlink.LinkByName(bridge)
	if err != nil {
		return fmt.Errorf("find bridge %s: %w", bridge, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Flags = name, master.Attrs().MTU, net.FlagUp
	cable := &netlink.Veth{
		LinkAttrs:        attrs,
		PeerName:         "eth0",
		PeerNamespace:    netlink.NsFd(netnsFD),
		PeerHardwareAddr: hardware,
	}
	cable.MasterIndex = master.Attrs().Index
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("make veth %s: %w", name, err)
	}
	// Where bridged packets pass through the rules as well (br_netfilter), a
	// container that calls its own published port is answered through the port
	// it came from, which a bridge refuses unless told otherwise.
	if err := netlink.LinkSetHairpin(cable, true); err != nil {
		return fmt.Errorf("set hairpin of %s: %w", name, err)
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

// peerHardware is the address of the container's end, made from its IP address:
// whoever gets the IP address next has the same one, and no neighbour's memory
// is out of date.
func peerHardware(ip netip.Addr) net.HardwareAddr {
	return append(net.HardwareAddr{0x02, 0x00}, ip.AsSlice()...)
}

// configureEth0 gives the container's end its address and its way out.
//
// The netlink socket is opened in the container's namespace and stays there, so
// that this thread, and every other, stays in the host's.
func configureEth0(ns netns.NsHandle, address netip.Prefix, via netip.Addr) error {
	inside, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink in the container: %w", err)
	}
	defer inside.Close()
	eth0, err := inside.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("find eth0: %w", err)
	}
	if err := inside.AddrReplace(eth0, &netlink.Addr{IPNet: ipNet(address)}); err != nil {
		return fmt.Errorf("give eth0 the address %s: %w", address, err)
	}
	if err := inside.LinkSetUp(eth0); err != nil {
		return fmt.Errorf("bring up eth0: %w", err)
	}
	route := &netlink.Route{LinkIndex: eth0.Attrs().Index, Gw: via.AsSlice()}
	if err := inside.RouteReplace(route); err != nil {
		return fmt.Errorf("route by %s: %w", via, err)
	}
	return nil
}

// activate makes sure that the cable carries packets from the first one on.
//
// The host's end got its carrier only when eth0 went up, and the bridge its own
// from its first port. The kernel acts on a carrier a little later, in a queue
// of work, and until then throws packets away without a word: a first packet
// that is lost is sent again after a whole second. Asking for a link's state
// does that work at once (Linux 6.8, linkwatch_sync_dev).
func activate(links ...string) error {
	for _, name := range links {
		if _, err := netlink.LinkByName(name); err != nil {
			return fmt.Errorf("look at %s: %w", name, err)
		}
	}
	return nil
}

// inNetworkOf calls do with the network namespace of a process, which must be
// our child or otherwise unable to lose its pid.
func inNetworkOf(pid int, do func(netns.NsHandle) error) error {
	file, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		return fmt.Errorf("open network namespace: %w", err)
	}
	defer file.Close()
	return do(netns.NsHandle(file.Fd()))
}
