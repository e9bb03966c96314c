package network

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// defaultRoot is the engine's usual state directory, whose bridge is cooper0.
const defaultRoot = "/var/lib/cooper"

// BridgeFor returns the name of the bridge of a state directory. Two engines
// with two directories can't know of each other's leases, so each has a bridge
// and a table of its own.
func BridgeFor(root string) string {
	if filepath.Clean(root) == defaultRoot {
		return DefaultBridge
	}
	sum := sha256.Sum256([]byte(filepath.Clean(root)))
	return "cooper-" + hex.EncodeToString(sum[:4])
}

// ensureBridge makes the bridge on first use. Being up is the last thing that
// a bridge becomes, so one that is down was left half-made by a crash, and is
// finished here.
func ensureBridge(name string, dir leases, subnet netip.Prefix) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		if err = stillFree(name, dir, subnet); err == nil {
			err = addBridge(name, dir)
		}
		if err == nil {
			link, err = netlink.LinkByName(name)
		}
	}
	if err != nil {
		return fmt.Errorf("make bridge %s: %w", name, err)
	}
	if !owns(dir, link) {
		return fmt.Errorf("make bridge %s: a link of that name exists and isn't of %s: use another --bridge or remove it", name, dir)
	}
	if link.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	return bringUp(link, subnet)
}

// stillFree refuses a subnet that was chosen long ago if the host has got a
// route there since: a VPN, another engine's network.
func stillFree(name string, dir leases, subnet netip.Prefix) error {
	routes, err := hostRoutes(name)
	if err != nil {
		return err
	}
	if route, clash := overlapping(subnet, routes); clash {
		return fmt.Errorf("the host has a route to %s by now, which its subnet %s overlaps: remove %s to have another chosen",
			route, subnet, dir.path("subnet"))
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
func addBridge(name string, dir leases) error {
	mtu, err := uplinkMTU()
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = name, mtu, hardwareAddress(dir)
	err = netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs})
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// hardwareAddress is locally administered (bit 2 of the first byte) and comes
// from the lease directory's name, so that it tells whose bridge it is.
func hardwareAddress(dir leases) net.HardwareAddr {
	sum := sha256.Sum256([]byte(dir))
	return net.HardwareAddr{0x02, 0xc0, sum[0], sum[1], sum[2], sum[3]}
}

func owns(dir leases, link netlink.Link) bool {
	return link.Type() == "bridge" && link.Attrs().HardwareAddr.String() == hardwareAddress(dir).String()
}

// uplinkMTU is the MTU of the link with the default route, or Ethernet's 1500.
func uplinkMTU() (int, error) {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
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
	return 1500, nil
}

// bringUp gives the bridge the gateway's address. IPv6 is switched off first:
// the containers have none, and a bridge that took router advertisements from
// them would take its routes from them too (CVE-2020-13401).
func bringUp(bridge netlink.Link, subnet netip.Prefix) error {
	name := bridge.Attrs().Name
	if err := silenceIPv6(name); err != nil {
		return err
	}
	address := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(gateway(subnet), subnet.Bits()))}
	if err := netlink.AddrReplace(bridge, address); err != nil {
		return fmt.Errorf("give %s the address %s: %w", name, address.IPNet, err)
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return fmt.Errorf("bring up %s: %w", name, err)
	}
	return nil
}

// removeNetwork removes the bridge and its table, unless the bridge is someone
// else's. The bridge goes last, so that after a crash it still says whose
// table that is.
func removeNetwork(name string, dir leases) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return removeTable(name)
	}
	if err != nil {
		return fmt.Errorf("remove bridge %s: %w", name, err)
	}
	if !owns(dir, link) {
		return nil
	}
	if err := removeTable(name); err != nil {
		return err
	}
	if err := netlink.LinkDel(link); err != nil {
		return fmt.Errorf("remove bridge %s: %w", name, err)
	}
	return nil
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), 32)}
}
