package trace

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// view asks one network namespace's rtnetlink(7).
type view struct{ *netlink.Handle }

func newView(ns *os.File) (view, error) {
	handle, err := &netlink.Handle{}, error(nil)
	if ns == nil {
		handle, err = netlink.NewHandle(unix.NETLINK_ROUTE)
	} else {
		handle, err = netlink.NewHandleAt(netns.NsHandle(ns.Fd()), unix.NETLINK_ROUTE)
	}
	if err != nil {
		return view{}, fmt.Errorf("open netlink in the container: %w", err)
	}
	return view{handle}, nil
}

// way is a route that the kernel chose.
type way struct {
	link    netlink.Link
	gateway netip.Addr // invalid where the destination is a neighbour
	source  netip.Addr
	mtu     int  // bytes, of the route or else of its link
	local   bool // the destination is the namespace's own
}

// nextHop is whom the frame is sent to.
func (w way) nextHop(destination netip.Addr) netip.Addr {
	if w.gateway.IsValid() {
		return w.gateway
	}
	return destination
}

func (w way) String() string {
	switch {
	case w.gateway.IsValid():
		return fmt.Sprintf("via %s dev %s", w.gateway, w.link.Attrs().Name)
	}
	return fmt.Sprintf("dev %s", w.link.Attrs().Name)
}

// route is `ip route get DESTINATION`, or `… from SOURCE iif LINK` for a packet
// that came in by a link.
func (v view) route(destination netip.Addr, options *netlink.RouteGetOptions) (way, error) {
	routes, err := v.RouteGetWithOptions(destination.AsSlice(), options)
	if err != nil {
		return way{}, err
	}
	if len(routes) == 0 {
		return way{}, unix.ENETUNREACH
	}
	found := way{local: routes[0].Type == unix.RTN_LOCAL}
	found.gateway = address(routes[0].Gw)
	if via, is := routes[0].Via.(*netlink.Via); is {
		found.gateway = address(via.Addr)
	}
	found.source = address(routes[0].Src)
	if found.link, err = v.LinkByIndex(routes[0].LinkIndex); err != nil {
		return way{}, err
	}
	if found.mtu = routes[0].MTU; found.mtu == 0 {
		found.mtu = found.link.Attrs().MTU
	}
	return found, nil
}

func address(ip net.IP) netip.Addr {
	found, _ := netip.AddrFromSlice(ip)
	return found.Unmap()
}

// hasDefault tells whether there is a route to everywhere.
func (v view) hasDefault(of netip.Addr) bool {
	routes, err := v.RouteListFiltered(family(of), &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return false
	}
	for _, route := range routes {
		if ones, _ := prefixLength(route.Dst); ones == 0 {
			return true
		}
	}
	return false
}

func prefixLength(network *net.IPNet) (ones, bits int) {
	if network == nil {
		return 0, 0
	}
	return network.Mask.Size()
}

func family(of netip.Addr) int {
	if of.Is6() {
		return netlink.FAMILY_V6
	}
	return netlink.FAMILY_V4
}

// neighbour is what ARP, or neighbour discovery, knows of an address.
type neighbour struct {
	hardware net.HardwareAddr
	state    int // NUD_…, 0 where nobody has asked
}

// asked: somebody wanted to know. Links such as loopback need no asking.
func (n neighbour) asked() bool { return n.state&^netlink.NUD_NOARP != 0 }

func (n neighbour) unanswered() bool {
	return n.state&(netlink.NUD_INCOMPLETE|netlink.NUD_FAILED) != 0
}

func (n neighbour) text(of netip.Addr, link string) string {
	if n.unanswered() {
		return fmt.Sprintf("%s doesn't answer at %s: nobody there has that address", of, link)
	}
	return fmt.Sprintf("%s is at %s, by %s", of, n.hardware, link)
}

func (v view) neighbour(of netip.Addr, link netlink.Link) neighbour {
	list, err := v.NeighList(link.Attrs().Index, family(of))
	if err != nil {
		return neighbour{}
	}
	for _, entry := range list {
		if address(entry.IP) == of {
			return neighbour{entry.HardwareAddr, entry.State}
		}
	}
	return neighbour{}
}

// link names a link by its index, "" if there is none.
func (v view) link(index int) string {
	if index == 0 {
		return ""
	}
	link, err := v.LinkByIndex(index)
	if err != nil {
		return fmt.Sprintf("link %d", index)
	}
	return link.Attrs().Name
}

// bridgePort finds the bridge's port behind which a hardware address was seen last,
// in the bridge's forwarding table; see bridge(8), fdb. nil if none is known.
func (v view) bridgePort(bridge netlink.Link, hardware net.HardwareAddr) netlink.Link {
	entries, err := v.NeighList(0, unix.AF_BRIDGE)
	if err != nil || len(hardware) == 0 {
		return nil
	}
	for _, entry := range entries {
		if entry.MasterIndex == bridge.Attrs().Index && entry.HardwareAddr.String() == hardware.String() {
			if link, err := v.LinkByIndex(entry.LinkIndex); err == nil {
				return link
			}
		}
	}
	return nil
}

// sysctl reads a parameter below /proc/sys/net of the caller's namespace.
func sysctl(name string) string {
	value, _ := os.ReadFile("/proc/sys/net/" + name)
	return strings.TrimSpace(string(value))
}
