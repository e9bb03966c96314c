package network

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheSubnetKeepsClearOfTheHostsRoutes(t *testing.T) {
	for want, routes := range map[string][]string{
		"10.118.0.0/16":    {"10.88.0.0/16", "172.17.0.0/16", "192.168.0.0/16"},
		"10.119.0.0/16":    {"10.118.3.0/24"},
		"10.120.0.0/16":    {"10.118.0.0/15"},
		"10.117.1.0/24":    {"10.118.0.0/15", "10.120.0.0/13", "10.117.0.0/26"},
		"192.168.118.0/24": {"10.0.0.0/8"},
		"192.168.119.0/24": {"10.0.0.0/8", "192.168.118.128/25"},
	} {
		got, err := chooseSubnet(prefixes(routes))
		require.NoError(t, err)
		require.Equal(t, want, got.String(), "%v", routes)
	}
	_, err := chooseSubnet(prefixes([]string{"10.0.0.0/8", "192.168.0.0/16"}))
	require.ErrorContains(t, err, "give one with --subnet")
}

func prefixes(texts []string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestTheIPv6SubnetIsTheNetworksOwn(t *testing.T) {
	one, err := chooseSubnet6("4f1c", nil)
	require.NoError(t, err)
	two, err := chooseSubnet6("5a00", nil)
	require.NoError(t, err)
	require.NotEqual(t, one, two)
	require.True(t, netip.MustParsePrefix("fd00::/8").Contains(one.Addr()))
	require.Equal(t, 64, one.Bits())
	again, err := chooseSubnet6("4f1c", []netip.Prefix{one})
	require.NoError(t, err)
	require.NotEqual(t, one, again, "taken")
}

func TestTheLastAddressOfASubnet(t *testing.T) {
	for subnet, want := range map[string]string{"10.118.0.0/16": "10.118.255.255", "10.99.0.8/29": "10.99.0.15", "192.168.1.0/30": "192.168.1.3", "fd00::/126": "fd00::3"} {
		require.Equal(t, want, last(netip.MustParsePrefix(subnet)).String())
	}
}
