package cli

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"cooper/stage06-network"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

// readNetworks reads --network, which may come several times, and the flags
// that say more of the first one:
//
//	--network none
//	--network shop --ip 10.7.0.9 --network-alias web --network backend
//	--network name=shop,ip=10.7.0.9,alias=web --network backend
func readNetworks(c *urfave.Context, o *engine.CreateOptions) error {
	list, err := parseNetworks(c.StringSlice("network"))
	if err != nil {
		return err
	}
	more := engine.Endpoint{Aliases: c.StringSlice("network-alias")}
	for key, value := range map[string]string{"ip": c.String("ip"), "ip6": c.String("ip6"), "mac-address": c.String("mac-address")} {
		if value == "" {
			continue
		}
		if err := setPlace(&more, key, value); err != nil {
			return err
		}
	}
	if err := sayMore(&list[0], &more); err != nil {
		return err
	}
	o.Network, o.Endpoints, err = plugged(list)
	return err
}

// parseNetworks returns at least one place: none given is the default network.
func parseNetworks(values []string) ([]engine.Endpoint, error) {
	if len(values) == 0 {
		return []engine.Endpoint{{}}, nil
	}
	var list []engine.Endpoint
	for _, value := range values {
		place, err := parseAttachment(value)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(other engine.Endpoint) bool { return other.Network == place.Network }) {
			return nil, fmt.Errorf("network %q is specified multiple times", place.Network)
		}
		list = append(list, place)
	}
	return list, nil
}

// parseAttachment reads NAME, or name=NAME and more pairs, of which alias may come
// several times.
func parseAttachment(value string) (engine.Endpoint, error) {
	place := engine.Endpoint{Network: value}
	if !strings.Contains(value, "=") {
		if value == "" {
			return place, fmt.Errorf("--network: no name set for network")
		}
		return place, nil
	}
	place.Network = ""
	for field := range strings.SplitSeq(value, ",") {
		key, setting, found := strings.Cut(field, "=")
		if !found {
			return place, fmt.Errorf("--network %q: invalid field %s: write KEY=VALUE", value, field)
		}
		if err := setPlace(&place, strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(setting)); err != nil {
			return place, fmt.Errorf("--network %q: %w", value, err)
		}
	}
	if place.Network == "" {
		return place, fmt.Errorf("--network %q: network name/id is not specified", value)
	}
	return place, nil
}

// setPlace sets what one pair says of a place in a network.
func setPlace(place *engine.Endpoint, key, value string) (err error) {
	switch key {
	case "name":
		place.Network = value
	case "alias":
		place.Aliases = append(place.Aliases, value)
	case "ip":
		if place.IP, err = netip.ParseAddr(value); err != nil || !place.IP.Is4() {
			return fmt.Errorf("invalid IPv4 address: %s", value)
		}
	case "ip6":
		if place.IP6, err = netip.ParseAddr(value); err != nil || !place.IP6.Is6() || place.IP6.Zone() != "" || place.IP6.Is4In6() {
			return fmt.Errorf("invalid IPv6 address: %s", value)
		}
	case "mac-address":
		if mac, err := net.ParseMAC(value); err != nil || len(mac) != 6 {
			return fmt.Errorf("%s is not a valid mac address", value)
		}
		place.MAC = value
	case "gw-priority":
		if place.GatewayPriority, err = strconv.Atoi(value); err != nil {
			return fmt.Errorf("invalid gw-priority %s: write a whole number", value)
		}
	default:
		return fmt.Errorf("invalid field key %s: use name, alias, ip, ip6, mac-address or gw-priority", key)
	}
	return nil
}

// sayMore adds what flags of their own say to what --network itself says. No
// two may say the same.
func sayMore(place, more *engine.Endpoint) error {
	switch {
	case len(more.Aliases) > 0 && len(place.Aliases) > 0:
		return fmt.Errorf("conflicting options: cannot specify both --network-alias and per-network alias")
	case more.IP.IsValid() && place.IP.IsValid():
		return fmt.Errorf("conflicting options: cannot specify both --ip and per-network IPv4 address")
	case more.IP6.IsValid() && place.IP6.IsValid():
		return fmt.Errorf("conflicting options: cannot specify both --ip6 and per-network IPv6 address")
	case more.MAC != "" && place.MAC != "":
		return fmt.Errorf("conflicting options: cannot specify both --mac-address and per-network MAC address")
	}
	place.Aliases = append(place.Aliases, more.Aliases...)
	if more.IP.IsValid() {
		place.IP = more.IP
	}
	if more.IP6.IsValid() {
		place.IP6 = more.IP6
	}
	if more.MAC != "" {
		place.MAC = more.MAC
	}
	return nil
}

// plugged tells apart what is a network to be plugged into and what is a mode,
// beside which there can be no other.
func plugged(list []engine.Endpoint) (engine.NetworkMode, []engine.Endpoint, error) {
	for i := range list {
		place := &list[i]
		mode, name, err := network.ParseMode(place.Network)
		if err != nil {
			return "", nil, err
		}
		own := mode == network.Plugged && name != network.DefaultNetwork
		switch {
		case !own && len(list) > 1:
			return "", nil, fmt.Errorf("conflicting options: cannot attach both user-defined and non-user-defined network-modes")
		case !own && len(place.Aliases) > 0:
			return "", nil, fmt.Errorf("network-scoped aliases are only supported for user-defined networks")
		case !own && (place.IP.IsValid() || place.IP6.IsValid()):
			return "", nil, fmt.Errorf("user specified IP address is supported on user defined networks only")
		case mode != network.Plugged && place.MAC != "":
			return "", nil, fmt.Errorf("conflicting options: mac-address and the network mode")
		case mode != network.Plugged || len(list) == 1 && !own && place.MAC == "" && place.GatewayPriority == 0:
			return engine.NetworkMode(place.Network), nil, nil
		}
		place.Network = name
	}
	return "", list, nil
}
