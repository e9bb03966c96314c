package network

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Options are those of `network create -o KEY=VALUE`, by Docker's keys. Each
// driver has its own.
type Options map[string]string

const (
	optionMTU        = "com.docker.network.driver.mtu"                  // bytes; the uplink's unless given
	optionBridgeName = "com.docker.network.bridge.name"                 // of the link on the host
	optionMasquerade = "com.docker.network.bridge.enable_ip_masquerade" // false: packets leave under the container's address
	optionReach      = "com.docker.network.bridge.enable_icc"           // false: its containers don't reach each other, by no way
	optionHostIP     = "com.docker.network.bridge.host_binding_ipv4"    // where ports are published that name no address
	optionParent     = "parent"                                         // the host's link that macvlan and ipvlan links share
	optionMacvlan    = "macvlan_mode"                                   // bridge, private, vepa or passthru
	optionIPvlan     = "ipvlan_mode"                                    // l2, l3 or l3s
)

// ParseOptions reads what -o takes: KEY=VALUE.
func ParseOptions(flags []string) (Options, error) {
	options := Options{}
	for _, flag := range flags {
		key, value, given := strings.Cut(flag, "=")
		if key == "" || !given {
			return nil, fmt.Errorf("option %q: write KEY=VALUE", flag)
		}
		options[key] = value
	}
	return options, nil
}

// check refuses options that the driver doesn't have, and values that aren't.
func (o Options) check(driver Driver) error {
	known := map[Driver][]string{
		Bridge:  {optionMTU, optionBridgeName, optionMasquerade, optionReach, optionHostIP},
		Macvlan: {optionMTU, optionParent, optionMacvlan},
		IPvlan:  {optionMTU, optionParent, optionIPvlan},
	}[driver]
	for _, key := range slices.Sorted(maps.Keys(o)) {
		if !slices.Contains(known, key) {
			return fmt.Errorf("option %q: the driver %s has these: %s", key, driver, strings.Join(known, ", "))
		}
		if !validOption(key, o[key]) {
			return fmt.Errorf("option %s: %q isn't one of its values", key, o[key])
		}
	}
	return nil
}

func validOption(key, value string) bool {
	switch key {
	case optionMTU:
		mtu, err := strconv.Atoi(value)
		return err == nil && mtu >= 68 && mtu <= 65535 // RFC 791's least
	case optionMasquerade, optionReach:
		_, err := strconv.ParseBool(value)
		return err == nil
	case optionHostIP:
		ip, err := netip.ParseAddr(value)
		return err == nil && ip.Is4()
	case optionBridgeName:
		return isLinkName(value)
	case optionParent: // eth0, or eth0.10 for a VLAN
		return isLinkName(strings.ReplaceAll(value, ".", "-"))
	case optionMacvlan:
		_, known := macvlanMode(value)
		return known
	case optionIPvlan:
		_, known := ipvlanMode(value)
		return known
	}
	return false
}

// refuses reports whether a switch that is on unless told otherwise is off.
func (o Options) refuses(key string) bool {
	on, err := strconv.ParseBool(o[key])
	return err == nil && !on
}

// mtu returns the MTU that was asked for, or 0.
func (o Options) mtu() int {
	mtu, _ := strconv.Atoi(o[optionMTU])
	return mtu
}
