package network

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
)

// macvlanMode and ipvlanMode read the modes by their names in ip-link(8).

func macvlanMode(name string) (mode netlink.MacvlanMode, known bool) {
	switch name {
	case "", "bridge":
		return netlink.MACVLAN_MODE_BRIDGE, true
	case "private":
		return netlink.MACVLAN_MODE_PRIVATE, true
	case "vepa":
		return netlink.MACVLAN_MODE_VEPA, true
	case "passthru":
		return netlink.MACVLAN_MODE_PASSTHRU, true
	}
	return 0, false
}

func ipvlanMode(name string) (mode netlink.IPVlanMode, known bool) {
	switch name {
	case "", "l2":
		return netlink.IPVLAN_MODE_L2, true
	case "l3":
		return netlink.IPVLAN_MODE_L3, true
	case "l3s":
		return netlink.IPVLAN_MODE_L3S, true
	}
	return 0, false
}

// ensureParent makes the host's link that the containers' links share, if it is
// one that can be made: eth0.10 is eth0's VLAN 10, and a network that names
// none has a dummy, which leads nowhere. The alias tells that it was made here.
func ensureParent(d *Definition, alias string) error {
	link, err := netlink.LinkByName(d.Link)
	if err == nil && link.Attrs().Alias == alias {
		return netlink.LinkSetUp(link) // unless a crash came in between, it is
	}
	if err == nil || !errors.As(err, &netlink.LinkNotFoundError{}) {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = d.Link
	link = &netlink.Dummy{LinkAttrs: attrs}
	if d.Options[optionParent] != "" {
		if link, err = vlan(attrs); err != nil {
			return err
		}
	}
	if err := netlink.LinkAdd(link); err != nil {
		return fmt.Errorf("make %s for network %s: %w", d.Link, d.Name, err)
	}
	return errors.Join(netlink.LinkSetAlias(link, alias), netlink.LinkSetUp(link))
}

// vlan reads the name of a VLAN's link, eth0.10.
func vlan(attrs netlink.LinkAttrs) (netlink.Link, error) {
	missing := fmt.Errorf("parent %s: the host has no such link: create the network with -o parent=LINK, or LINK.NUMBER for a VLAN", attrs.Name)
	dot := strings.LastIndex(attrs.Name, ".")
	if dot < 0 {
		return nil, missing
	}
	number, err := strconv.ParseUint(attrs.Name[dot+1:], 10, 16)
	if err != nil || number == 0 || number > 4094 {
		return nil, missing
	}
	parent, err := netlink.LinkByName(attrs.Name[:dot])
	if err != nil {
		return nil, missing
	}
	attrs.ParentIndex = parent.Attrs().Index
	return &netlink.Vlan{LinkAttrs: attrs, VlanId: int(number), VlanProtocol: netlink.VLAN_PROTOCOL_8021Q}, nil
}

// removeParent removes what ensureParent made, unless it is another network's,
// too.
func (n Networks) removeParent(d *Definition) error {
	link, err := netlink.LinkByName(d.Link)
	if errors.As(err, &netlink.LinkNotFoundError{}) || err == nil && link.Attrs().Alias != n.Table {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := n.List()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(other *Definition) bool { return other.Link == d.Link && other.Name != d.Name }) {
		return nil
	}
	return netlink.LinkDel(link)
}

// addShared makes a link in the container that shares the host's: no bridge and
// no cable. It is born in the container, under its own name.
func addShared(d *Definition, e *Endpoint, inside *os.File) error {
	parent, err := netlink.LinkByName(d.Link)
	if err != nil {
		return fmt.Errorf("find parent %s: %w", d.Link, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex, attrs.Namespace = e.Link, parent.Attrs().Index, netlink.NsFd(inside.Fd())
	attrs.MTU = d.Options.mtu()
	var link netlink.Link
	if d.Driver == Macvlan {
		attrs.HardwareAddr = e.Hardware()
		mode, _ := macvlanMode(d.Options[optionMacvlan])
		link = &netlink.Macvlan{LinkAttrs: attrs, Mode: mode}
	} else {
		mode, _ := ipvlanMode(d.Options[optionIPvlan])
		link = &netlink.IPVlan{LinkAttrs: attrs, Mode: mode}
	}
	if err := netlink.LinkAdd(link); err != nil {
		return fmt.Errorf("make %s link on %s: %w", d.Driver, d.Link, err)
	}
	return nil
}
