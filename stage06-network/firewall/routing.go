package firewall

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
)

// notForwarding tells of a host that is no router any more. The engine makes it
// one when it makes a bridge, so before that there is nothing to tell; and one
// of IPv6 for a bridge that has an address of it.
func notForwarding(bridges []netlink.Link) (findings []Finding, err error) {
	if len(bridges) == 0 {
		return nil, nil
	}
	parameters := []string{"ipv4/ip_forward"}
	if slices.ContainsFunc(bridges, hasIPv6) {
		parameters = append(parameters, "ipv6/conf/all/forwarding")
	}
	for _, parameter := range parameters {
		forward, err := readSysctl(parameter)
		if err != nil {
			return nil, err
		}
		if forward == "0" {
			name := "net." + strings.ReplaceAll(parameter, "/", ".")
			findings = append(findings, Finding{
				What:   "the host forwards no packets: somebody has set the sysctl " + name + " to 0 since there are containers' networks",
				Advice: "run: sysctl -w " + name + "=1; and look who sets it in /etc/sysctl.conf and /etc/sysctl.d",
			})
		}
	}
	return findings, nil
}

// hasIPv6: every link may have a link-local address; others are of a network.
func hasIPv6(link netlink.Link) bool {
	addresses, err := netlink.AddrList(link, netlink.FAMILY_V6)
	if err != nil {
		return false // it is gone by now
	}
	return slices.ContainsFunc(addresses, func(address netlink.Addr) bool { return !address.IP.IsLinkLocalUnicast() })
}

// strictReversePath tells of links that drop an answer which comes in by
// another link than the question went out by: rp_filter 1, see ip-sysctl in
// the kernel's documentation. That needs two ways out to happen.
func strictReversePath() ([]Finding, error) {
	ways, err := waysOut()
	if err != nil {
		return nil, err
	}
	if len(ways) < 2 {
		return nil, nil
	}
	var findings []Finding
	for _, index := range slices.Sorted(maps.Keys(ways)) {
		link, err := netlink.LinkByIndex(index)
		if err != nil {
			continue // gone meanwhile
		}
		name := link.Attrs().Name
		strict, err := isStrict(name)
		if err != nil {
			return nil, err
		}
		if strict {
			findings = append(findings, Finding{
				What:   fmt.Sprintf("the host has %d ways out, and %s drops answers to what left by another one (rp_filter is 1)", len(ways), name),
				Advice: fmt.Sprintf("if containers miss answers: sysctl -w net.ipv4.conf.%s.rp_filter=2", name),
			})
		}
	}
	return findings, nil
}

// waysOut lists the links of all default routes. One route may have several.
func waysOut() (links map[int]bool, err error) {
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	links = map[int]bool{}
	for _, route := range routes {
		if route.Dst != nil && !route.Dst.IP.IsUnspecified() {
			continue
		}
		if route.LinkIndex != 0 {
			links[route.LinkIndex] = true
		}
		for _, hop := range route.MultiPath {
			links[hop.LinkIndex] = true
		}
	}
	return links, nil
}

// isStrict: the greater of the link's own value and that of "all" counts.
func isStrict(link string) (bool, error) {
	own, err := readSysctl("ipv4/conf/" + link + "/rp_filter")
	if err != nil {
		return false, err
	}
	all, err := readSysctl("ipv4/conf/all/rp_filter")
	return max(own, all) == "1", err
}
