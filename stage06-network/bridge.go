package network

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"cooper/stage06-network/firewall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// ensureBridge makes the bridge on first use. Being up is the last thing that
// a bridge becomes, so one that is down was left half-made by a crash, and is
// finished here.
func ensureBridge(r record, d *Definition) error {
	link, err := netlink.LinkByName(d.Link)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		if err = stillFree(r, d); err == nil {
			err = addBridge(r, d)
		}
		if err == nil {
			link, err = netlink.LinkByName(d.Link)
		}
	}
	if err != nil {
		return fmt.Errorf("make bridge %s: %w", d.Link, err)
	}
	if !owns(r, link) {
		return fmt.Errorf("make bridge %s: a link of that name exists and isn't of %s: remove it, or use another network", d.Link, r)
	}
	if link.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	return bringUp(link, d)
}

// stillFree refuses subnets that were chosen long ago if the host has got a
// route there since: a VPN, another engine's network.
func stillFree(r record, d *Definition) error {
	routes, err := hostRoutes(d.Link)
	if err != nil {
		return err
	}
	for _, subnet := range d.Subnets {
		if route, clash := overlapping(subnet.Prefix, routes); clash {
			return fmt.Errorf("the host has a route to %s by now, which its subnet %s overlaps: remove the network, or %s, to have another chosen",
				route, subnet.Prefix, r.path(definitionFile))
		}
	}
	return nil
}

// addBridge asks for the bridge with its MTU and hardware address in one
// message.
//
// The MTU is the uplink's: a tunnel or a cloud's network carries less than
// 1500 bytes, and larger packets would be lost where nobody tells the sender.
// Without a hardware address of its own a bridge takes its lowest port's, and
// changes it when that container goes, while the others still send to the old.
func addBridge(r record, d *Definition) (err error) {
	mtu := d.Options.mtu()
	if mtu == 0 {
		if mtu, err = uplinkMTU(); err != nil {
			return err
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = d.Link, mtu, hardwareAddress(r)
	err = netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs})
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// hardwareAddress is locally administered (bit 2 of the first byte) and comes
// from the record's name, so that it tells whose bridge it is.
func hardwareAddress(r record) net.HardwareAddr {
	sum := sha256.Sum256([]byte(r))
	return net.HardwareAddr{0x02, 0xc0, sum[0], sum[1], sum[2], sum[3]}
}

func owns(r record, link netlink.Link) bool {
	return link.Type() == "bridge" && link.Attrs().HardwareAddr.String() == hardwareAddress(r).String()
}

// uplinkMTU is the MTU of the link with the default route, of IPv4 or else of
// IPv6, or Ethernet's 1500.
func uplinkMTU() (int, error) {
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := whole(func() ([]netlink.Route, error) {
			return netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
		})
		if err != nil {
			return 0, fmt.Errorf("list routes: %w", err)
		}
		for _, route := range routes {
			if route.Dst != nil && !route.Dst.IP.IsUnspecified() {
				continue
			}
			if link, err := netlink.LinkByIndex(route.LinkIndex); err == nil {
				return link.Attrs().MTU, nil
			}
		}
	}
	return 1500, nil
}

// bringUp gives the bridge the gateways' addresses. Router advertisements are
// refused before it is up: a bridge that took them from its containers would
// take the host's routes from them too (CVE-2020-13401).
func bringUp(bridge netlink.Link, d *Definition) error {
	name := bridge.Attrs().Name
	if err := settleIPv6(name, d.IPv6); err != nil {
		return err
	}
	for _, subnet := range d.Subnets {
		address := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(subnet.Gateway, subnet.Prefix.Bits())), Flags: noDAD(subnet.Gateway)}
		if err := netlink.AddrReplace(bridge, address); err != nil {
			return fmt.Errorf("give %s the address %s: %w", name, address.IPNet, err)
		}
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return fmt.Errorf("bring up %s: %w", name, err)
	}
	return nil
}

// noDAD tells the kernel not to look for somebody else with an IPv6 address
// before it is used: we know that there is nobody, and a second is long.
func noDAD(ip netip.Addr) int {
	if ip.Is6() {
		return unix.IFA_F_NODAD
	}
	return 0
}

// dismantle takes from the kernel what it has of a network. The bridge goes
// last, so that after a crash it still says that there is something to do.
func (n Networks) dismantle(d *Definition) error {
	if d.Driver != Bridge {
		return n.removeParent(d)
	}
	link, err := netlink.LinkByName(d.Link)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return n.removeRules(d)
	}
	if err != nil || !owns(n.record(d.Name), link) {
		return err // or it is someone else's, and so are the rules
	}
	if err = n.removeRules(d); err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("remove bridge %s: %w", d.Link, err)
	}
	return firewall.WithdrawUnlessUsed(d.linkPattern())
}

// linkPattern is what other firewalls know the bridge by: all that have names of
// our making begin alike.
func (d *Definition) linkPattern() string {
	if strings.HasPrefix(d.Link, BridgePrefix) {
		return BridgePrefix + "+"
	}
	return d.Link
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}
