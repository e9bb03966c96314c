package network

import (
	"crypto/sha256"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// candidates are tried in this order. They keep clear of Docker's 172.17 to
// 172.31, Podman's 10.88 and 10.89, and the usual 10.42, 10.96 and 10.244 of
// Kubernetes, so that whoever comes second on a host finds room. First ten of
// 65,533 containers each, then many of 253, the last of them for hosts whose
// own network has all of 10.0.0.0/8.
func candidates(yield func(netip.Prefix) bool) {
	for i := range byte(10) {
		if !yield(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 118 + i, 0, 0}), 16)) {
			return
		}
	}
	for i := range 256 {
		if !yield(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 117, byte(i), 0}), 24)) {
			return
		}
	}
	for i := range byte(10) {
		if !yield(netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 168, 118 + i, 0}), 24)) {
			return
		}
	}
}

// chooseSubnet returns the first candidate that overlaps none of those taken: a
// host that is already reached that way would otherwise vanish.
func chooseSubnet(taken []netip.Prefix) (netip.Prefix, error) {
	for subnet := range candidates {
		if _, clash := overlapping(subnet, taken); !clash {
			return subnet, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("choose subnet: routes and networks take all of 10.117.0.0 to 10.127.255.255 and 192.168.118.0 to 192.168.127.255: give one with --subnet")
}

// chooseSubnet6 makes a subnet of the network's ID, as RFC 4193 has sites make
// them of something random: fd, 40 bits, a subnet's number, a /64.
func chooseSubnet6(id string, taken []netip.Prefix) (netip.Prefix, error) {
	for try := range byte(16) {
		sum := sha256.Sum256([]byte{try})
		copy(sum[:], id)
		sum = sha256.Sum256(sum[:])
		octets := [16]byte{0xfd}
		copy(octets[1:6], sum[:])
		subnet := netip.PrefixFrom(netip.AddrFrom16(octets), 64)
		if _, clash := overlapping(subnet, taken); !clash {
			return subnet, nil
		}
	}
	return netip.Prefix{}, fmt.Errorf("choose IPv6 subnet: give one with --subnet")
}

func overlapping(subnet netip.Prefix, routes []netip.Prefix) (netip.Prefix, bool) {
	for _, route := range routes {
		if route.Overlaps(subnet) {
			return route, true
		}
	}
	return netip.Prefix{}, false
}

// settleSubnets checks the subnets asked for against those taken, and chooses
// what is missing: one of IPv4, one of IPv6 where it was asked for, and the
// gateways. IPv4 comes first.
func (d *Definition) settleSubnets(taken []netip.Prefix) error {
	var four, six []Subnet
	for _, subnet := range d.Subnets {
		subnet.Prefix = subnet.Prefix.Masked()
		if clash, is := overlapping(subnet.Prefix, taken); is && d.Driver == Bridge {
			return fmt.Errorf("subnet %s: a route of the host or another network has %s: choose another", subnet.Prefix, clash)
		}
		if !subnet.Prefix.Addr().Is4() {
			six = append(six, subnet)
		} else {
			four = append(four, subnet)
		}
	}
	if len(four) > 1 || len(six) > 1 {
		return fmt.Errorf("subnet: a network has one of IPv4 and one of IPv6 at most")
	}
	if len(four) == 0 {
		chosen, err := chooseSubnet(taken)
		if err != nil {
			return err
		}
		four = []Subnet{{Prefix: chosen}}
	}
	if d.IPv6 = d.IPv6 || len(six) > 0; d.IPv6 && len(six) == 0 {
		chosen, err := chooseSubnet6(d.ID, taken)
		if err != nil {
			return err
		}
		six = []Subnet{{Prefix: chosen}}
	}
	d.Subnets = append(four, six...)
	for i := range d.Subnets {
		if !d.Subnets[i].Gateway.IsValid() {
			d.Subnets[i].Gateway = d.Subnets[i].Prefix.Addr().Next()
		}
	}
	return nil
}

// check refuses a subnet without room, and parts of it that aren't.
func (s Subnet) check() error {
	if !usable(s.Prefix) {
		return fmt.Errorf("subnet %s: use an IPv4 network of /8 to /30 or an IPv6 network of /32 to /126, and none that is for loopback, one link alone or multicast", s.Prefix)
	}
	if s.Range.IsValid() && (!s.Prefix.Contains(s.Range.Addr()) || s.Range.Bits() < s.Prefix.Bits()) {
		return fmt.Errorf("address range %s: it isn't in the subnet %s", s.Range, s.Prefix)
	}
	if s.Gateway.IsValid() && (!s.Prefix.Contains(s.Gateway) || s.isEdge(s.Gateway)) {
		return fmt.Errorf("gateway %s: no address of the subnet %s", s.Gateway, s.Prefix)
	}
	for name, ip := range s.Reserved {
		if !s.Prefix.Contains(ip) {
			return fmt.Errorf("reserved address %s=%s: it isn't in the subnet %s", name, ip, s.Prefix)
		}
	}
	return nil
}

// usable reports whether a subnet has room for a gateway and a container, and
// addresses that are one machine's each.
func usable(subnet netip.Prefix) bool {
	ip := subnet.Addr()
	if ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip.Is4In6() {
		return false
	}
	if subnet.Addr().Is4() {
		return subnet.Bits() >= 8 && subnet.Bits() <= 30
	}
	return subnet.IsValid() && subnet.Bits() >= 32 && subnet.Bits() <= 126
}

// span returns the first address that a container may get, and the one behind
// the last.
func (s Subnet) span() (first, end netip.Addr) {
	part := s.Prefix
	if s.Range.IsValid() {
		part = s.Range.Masked()
	}
	first, end = part.Addr(), last(part)
	if s.isEdge(first) {
		first = first.Next()
	}
	if s.isEdge(end) {
		return first, end
	}
	return first, end.Next()
}

// isEdge reports whether an address is the subnet's own or its broadcast's.
func (s Subnet) isEdge(ip netip.Addr) bool {
	return ip == s.Prefix.Masked().Addr() || ip == last(s.Prefix)
}

// reserved reports whether an address is no container's by decree.
func (s Subnet) reserved(ip netip.Addr) bool {
	if ip == s.Gateway {
		return true
	}
	for _, taken := range s.Reserved {
		if ip == taken {
			return true
		}
	}
	return false
}

// hint is the name in the record of the address given last.
func (s Subnet) hint() string {
	if s.Prefix.Addr().Is4() {
		return "last"
	}
	return "last6"
}

// last is the last address of a prefix, of IPv4 its broadcast address.
func last(prefix netip.Prefix) netip.Addr {
	octets := prefix.Masked().Addr().AsSlice()
	for bit := prefix.Bits(); bit < len(octets)*8; bit++ {
		octets[bit/8] |= 1 << (7 - bit%8)
	}
	ip, _ := netip.AddrFromSlice(octets)
	return ip
}

// hostRoutes lists the host's routes but the defaults and those through the
// given link.
func hostRoutes(except string) ([]netip.Prefix, error) {
	own := -1
	if link, err := netlink.LinkByName(except); except != "" && err == nil {
		own = link.Attrs().Index
	}
	var routes []netip.Prefix
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		list, err := whole(func() ([]netlink.Route, error) { return netlink.RouteList(nil, family) })
		if err != nil {
			return nil, fmt.Errorf("list routes: %w", err)
		}
		for _, route := range list {
			if route.Dst == nil || route.LinkIndex == own {
				continue
			}
			ip, _ := netip.AddrFromSlice(route.Dst.IP)
			if bits, _ := route.Dst.Mask.Size(); bits > 0 && !ip.IsLinkLocalUnicast() {
				routes = append(routes, netip.PrefixFrom(ip.Unmap(), bits))
			}
		}
	}
	return routes, nil
}
