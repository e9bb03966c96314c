package resolver

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// reversed reads an address out of a name that asks for its owner, least
// significant part first:
//
//	7.0.118.10.in-addr.arpa            10.118.0.7, by bytes
//	7.0.0.0.⋯.2.1.d.f.ip6.arpa         fd12::7, by 4 bits each
func reversed(name string) (netip.Addr, bool) {
	if digits, ok := strings.CutSuffix(name, ".in-addr.arpa"); ok {
		return reversedIPv4(strings.Split(digits, "."))
	}
	if digits, ok := strings.CutSuffix(name, ".ip6.arpa"); ok {
		return reversedIPv6(strings.Split(digits, "."))
	}
	return netip.Addr{}, false
}

func reversedIPv4(parts []string) (netip.Addr, bool) {
	slices.Reverse(parts)
	ip, err := netip.ParseAddr(strings.Join(parts, "."))
	return ip, err == nil && ip.Is4()
}

func reversedIPv6(nibbles []string) (netip.Addr, bool) {
	var bytes [16]byte
	if len(nibbles) != 2*len(bytes) {
		return netip.Addr{}, false
	}
	slices.Reverse(nibbles)
	for i, nibble := range nibbles {
		value, err := strconv.ParseUint(nibble, 16, 4)
		if err != nil || len(nibble) != 1 {
			return netip.Addr{}, false
		}
		bytes[i/2] = bytes[i/2]<<4 | byte(value)
	}
	return netip.AddrFrom16(bytes), true
}
