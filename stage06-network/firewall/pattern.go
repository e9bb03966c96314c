package firewall

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// A pattern names links as iptables does: "cooper+" is each whose name begins
// with cooper, "br0" that one alone.
type pattern string

// name is what all of them have in common.
func (p pattern) name() string { return strings.TrimSuffix(string(p), "+") }

// compared is what a link's name is compared with, as far as that goes: a name
// without its terminating zero stands for all that begin so.
func (p pattern) compared() string {
	if name := p.name(); name != string(p) {
		return name
	}
	return string(p) + "\x00"
}

// nft is the pattern as nft(8) writes it.
func (p pattern) nft() string { return linkName(p.compared()) }

// links lists those that there are. The kernel is asked again if the list changed
// while it was told, since some may then be missing.
func (p pattern) links() ([]netlink.Link, error) {
	links, err := netlink.LinkList()
	for errors.Is(err, netlink.ErrDumpInterrupted) {
		links, err = netlink.LinkList()
	}
	if err != nil {
		return nil, fmt.Errorf("list links: %w", err)
	}
	return slices.DeleteFunc(links, func(link netlink.Link) bool {
		return !strings.HasPrefix(link.Attrs().Name+"\x00", p.compared())
	}), nil
}
