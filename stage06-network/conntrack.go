package network

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// forget ends the UDP connections that were led to the container.
//
// The kernel remembers where it led a client's first packet, and sends the next
// ones there without asking the maps, for two minutes after the last one. TCP
// clients notice and call anew. A UDP client that goes on sending, such as one
// that ships logs, would be led to an address that nobody has any more, for
// ever, past the container that got the port next.
func forget(ports []Port, container []netip.Addr) error {
	if !slices.ContainsFunc(ports, func(port Port) bool { return port.Protocol == UDP }) {
		return nil
	}
	var errs []error
	for _, ip := range container {
		errs = append(errs, forgetUDP(ip))
	}
	return errors.Join(errs...)
}

func forgetUDP(container netip.Addr) error {
	led := &netlink.ConntrackFilter{}
	if err := led.AddProtocol(unix.IPPROTO_UDP); err != nil {
		return err
	}
	if err := led.AddIP(netlink.ConntrackReplySrcIP, container.AsSlice()); err != nil {
		return err
	}
	family := netlink.InetFamily(unix.AF_INET)
	if container.Is6() {
		family = unix.AF_INET6
	}
	_, err := netlink.ConntrackDeleteFilters(netlink.ConntrackTable, family, led)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil // ended by itself meanwhile, or a kernel without ctnetlink
	}
	if err != nil {
		return fmt.Errorf("forget UDP clients of %s: %w", container, err)
	}
	return nil
}
