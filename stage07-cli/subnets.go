package cli

import (
	"fmt"
	"net/netip"
	"strings"

	"cooper/stage06-network"
)

// parseSubnets reads the flags --subnet, --ip-range, --gateway and
// --aux-address. They come in any order, and each of the others belongs to the
// subnet that it lies in.
func parseSubnets(subnets, ranges, gateways, others []string) ([]network.Subnet, error) {
	var list subnetList
	for _, text := range subnets {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("invalid subnet %s: write ADDRESS/LENGTH, such as 10.7.0.0/16", text)
		}
		for _, other := range list {
			if other.Prefix.Overlaps(prefix) {
				return nil, fmt.Errorf("multiple overlapping subnet configuration is not supported: %s and %s", other.Prefix, prefix)
			}
		}
		list = append(list, network.Subnet{Prefix: prefix.Masked()})
	}
	if len(ranges) > len(list) || len(gateways) > len(list) {
		return nil, fmt.Errorf("every ip-range or gateway must have a corresponding subnet: give it with --subnet")
	}
	for _, text := range ranges {
		part, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("invalid ip-range %s: write ADDRESS/LENGTH, such as 10.7.5.0/24", text)
		}
		subnet := list.around(part.Addr())
		if subnet == nil || subnet.Prefix.Bits() > part.Bits() {
			return nil, fmt.Errorf("no matching subnet for range %s", text)
		}
		if subnet.Range.IsValid() {
			return nil, fmt.Errorf("cannot configure multiple ranges (%s, %s) on the same subnet (%s)", text, subnet.Range, subnet.Prefix)
		}
		subnet.Range = part.Masked()
	}
	for _, text := range gateways {
		subnet, ip, err := list.find("gateway", text)
		if err != nil {
			return nil, err
		}
		if subnet.Gateway.IsValid() {
			return nil, fmt.Errorf("cannot configure multiple gateways (%s, %s) on the same subnet (%s)", text, subnet.Gateway, subnet.Prefix)
		}
		subnet.Gateway = ip
	}
	return list, list.reserve(others)
}

type subnetList []network.Subnet

// around returns the subnet that an address is in, or nil.
func (l subnetList) around(ip netip.Addr) *network.Subnet {
	for i := range l {
		if l[i].Prefix.Contains(ip) {
			return &l[i]
		}
	}
	return nil
}

func (l subnetList) find(what, text string) (*network.Subnet, netip.Addr, error) {
	ip, err := netip.ParseAddr(text)
	subnet := l.around(ip)
	if err != nil || subnet == nil {
		return nil, ip, fmt.Errorf("no matching subnet for %s %s", what, text)
	}
	return subnet, ip, nil
}

// reserve reads NAME=ADDRESS, which no container gets.
func (l subnetList) reserve(others []string) error {
	for _, pair := range others {
		name, text, found := strings.Cut(pair, "=")
		if !found || name == "" {
			return fmt.Errorf("--aux-address %q: write NAME=ADDRESS", pair)
		}
		subnet, ip, err := l.find("aux-address", text)
		if err != nil {
			return err
		}
		if subnet.Reserved == nil {
			subnet.Reserved = map[string]netip.Addr{}
		}
		subnet.Reserved[name] = ip
	}
	return nil
}
