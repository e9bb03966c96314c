package cli

import (
	"net/netip"
	"testing"

	"cooper/stage06-network"

	"github.com/stretchr/testify/require"
)

func TestEachAddressOfALineFindsItsSubnet(t *testing.T) {
	got, err := parseSubnets([]string{"10.7.0.1/16", "fd07::/64"}, []string{"10.7.5.0/24"}, []string{"fd07::9", "10.7.0.9"}, []string{"router=10.7.0.1", "printer=fd07::2"})
	require.NoError(t, err)
	require.Equal(t, []network.Subnet{
		{
			Prefix: netip.MustParsePrefix("10.7.0.0/16"), Range: netip.MustParsePrefix("10.7.5.0/24"), Gateway: netip.MustParseAddr("10.7.0.9"),
			Reserved: map[string]netip.Addr{"router": netip.MustParseAddr("10.7.0.1")},
		},
		{
			Prefix: netip.MustParsePrefix("fd07::/64"), Gateway: netip.MustParseAddr("fd07::9"),
			Reserved: map[string]netip.Addr{"printer": netip.MustParseAddr("fd07::2")},
		},
	}, got)
	got, err = parseSubnets(nil, nil, nil, nil)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestAnAddressWithoutASubnetIsRefused(t *testing.T) {
	one := []string{"10.7.0.0/16"}
	for _, c := range []struct {
		subnets, ranges, gateways, others []string
		reason                            string
	}{
		{[]string{"frob"}, nil, nil, nil, "invalid subnet frob"},
		{[]string{"10.7.0.0/33"}, nil, nil, nil, "invalid subnet 10.7.0.0/33"},
		{[]string{"10.7.0.0/16", "10.7.1.0/24"}, nil, nil, nil, "multiple overlapping subnet configuration is not supported"},
		{nil, []string{"10.7.0.0/24"}, nil, nil, "every ip-range or gateway must have a corresponding subnet"},
		{nil, nil, []string{"10.7.0.1"}, nil, "every ip-range or gateway must have a corresponding subnet"},
		{one, []string{"frob"}, nil, nil, "invalid ip-range frob"},
		{one, []string{"10.8.0.0/24"}, nil, nil, "no matching subnet for range 10.8.0.0/24"},
		{one, []string{"10.7.0.0/15"}, nil, nil, "no matching subnet for range 10.7.0.0/15"},
		{[]string{"10.7.0.0/16", "fd07::/64"}, []string{"10.7.1.0/24", "10.7.2.0/24"}, nil, nil, "cannot configure multiple ranges"},
		{[]string{"10.7.0.0/16", "fd07::/64"}, nil, []string{"10.7.0.1", "10.7.0.2"}, nil, "cannot configure multiple gateways"},
		{one, nil, []string{"frob"}, nil, "no matching subnet for gateway frob"},
		{one, nil, []string{"10.8.0.1"}, nil, "no matching subnet for gateway 10.8.0.1"},
		{one, nil, nil, []string{"10.7.0.5"}, "write NAME=ADDRESS"},
		{one, nil, nil, []string{"a=frob"}, "no matching subnet for aux-address frob"},
		{nil, nil, nil, []string{"a=10.7.0.5"}, "no matching subnet for aux-address 10.7.0.5"},
	} {
		_, err := parseSubnets(c.subnets, c.ranges, c.gateways, c.others)
		require.ErrorContains(t, err, c.reason)
	}
}
