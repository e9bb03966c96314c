package network

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// candidates are tried in this order. They keep clear of Docker's 172.17 to
// 172.31, Podman's 10.88 and 10.89, and the usual 10.42, 10.96 and 10.244 of
// Kubernetes, so that whoever comes second on a host finds room.
func candidates() (subnets []netip.Prefix) {
	for i := range byte(10) {
		subnets = append(subnets, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 118 + i, 0, 0}), 16))
	}
	for i := range byte(10) {
		subnets = append(subnets, netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 118 + i, 0}), 24))
	}
	return subnets
}

// chooseSubnet returns the first candidate that overlaps none of the routes: a
// host that is already reached that way would otherwise vanish.
func chooseSubnet(routes []netip.Prefix) (netip.Prefix, error) {
	for _, subnet := range candidates() {
		if _, taken := overlapping(subnet, routes); !taken {
			return subnet, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("choose subnet: the host has routes to all of 10.118.0.0 to 10.127.255.255 and 192.168.118.0 to 192.168.127.255: give one with --subnet")
}

func overlapping(subnet netip.Prefix, routes []netip.Prefix) (netip.Prefix, bool) {
	for _, route := range routes {
		if route.Overlaps(subnet) {
			return route, true
		}
	}
	return netip.Prefix{}, false
}

// hostRoutes lists the host's IPv4 routes but the default and those through
// the bridge itself.
func hostRoutes(bridge string) ([]netip.Prefix, error) {
	own := -1
	if link, err := netlink.LinkByName(bridge); err == nil {
		own = link.Attrs().Index
	}
	list, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var routes []netip.Prefix
	for _, route := range list {
		if route.Dst == nil || route.LinkIndex == own {
			continue
		}
		ip, _ := netip.AddrFromSlice(route.Dst.IP.To4())
		if bits, _ := route.Dst.Mask.Size(); bits > 0 {
			routes = append(routes, netip.PrefixFrom(ip, bits))
		}
	}
	return routes, nil
}

// usable reports whether a subnet has room for a gateway and a container.
func usable(subnet netip.Prefix) bool {
	return subnet.IsValid() && subnet.Addr().Is4() && subnet.Bits() >= 8 && subnet.Bits() <= 30
}

// gateway is the first address of a subnet, the host's own.
func gateway(subnet netip.Prefix) netip.Addr { return subnet.Masked().Addr().Next() }

// broadcast is the last address of a subnet.
func broadcast(subnet netip.Prefix) netip.Addr {
	octets := subnet.Masked().Addr().As4()
	for bit := subnet.Bits(); bit < 32; bit++ {
		octets[bit/8] |= 1 << (7 - bit%8)
	}
	return netip.AddrFrom4(octets)
}
