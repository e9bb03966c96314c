package cli

import (
	"net/netip"
	"testing"

	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

func TestALineSaysWhichNetworks(t *testing.T) {
	ip, ip6 := netip.MustParseAddr("10.7.0.9"), netip.MustParseAddr("fd07::9")
	for _, c := range []struct {
		line []string
		mode engine.NetworkMode
		list []engine.Endpoint
	}{
		{nil, "", nil},
		{[]string{"--network", "default"}, "default", nil},
		{[]string{"--net", "host"}, "host", nil},
		{[]string{"--network", "name=none"}, "none", nil},
		{[]string{"--network", "container:web"}, "container:web", nil},
		{[]string{"--mac-address", "02:00:00:00:00:09"}, "", []engine.Endpoint{{Network: "bridge", MAC: "02:00:00:00:00:09"}}},
		{[]string{"--network", "shop"}, "", []engine.Endpoint{{Network: "shop"}}},
		{[]string{"--network", "shop", "--network", "backend"}, "", []engine.Endpoint{{Network: "shop"}, {Network: "backend"}}},
		{
			[]string{"--network", "shop", "--ip", "10.7.0.9", "--ip6", "fd07::9", "--network-alias", "a", "--net-alias", "b", "--network", "backend"},
			"", []engine.Endpoint{{Network: "shop", IP: ip, IP6: ip6, Aliases: []string{"a", "b"}}, {Network: "backend"}},
		},
		{
			[]string{"--network", "shop", "--network", "name=backend,ip=10.7.0.9,IP6=fd07::9,alias=a, alias=b,mac-address=02:00:00:00:00:09"},
			"", []engine.Endpoint{{Network: "shop"}, {Network: "backend", IP: ip, IP6: ip6, Aliases: []string{"a", "b"}, MAC: "02:00:00:00:00:09"}},
		},
		{
			[]string{"--network", "shop", "--network", "name=backend,gw-priority=-1"},
			"", []engine.Endpoint{{Network: "shop"}, {Network: "backend", GatewayPriority: -1}},
		},
		{[]string{"--network", "name=bridge,gw-priority=7"}, "", []engine.Endpoint{{Network: "bridge", GatewayPriority: 7}}},
	} {
		options, err := optionsOf(t, append(c.line, "base")...)
		require.NoError(t, err, c.line)
		require.Equal(t, c.mode, options.Network, c.line)
		require.Equal(t, c.list, options.Endpoints, c.line)
	}
}

// The words are Docker's.
func TestALineThatSaysNonsenseOfNetworksIsRefused(t *testing.T) {
	for _, c := range []struct {
		reason string
		line   []string
	}{
		{"no name set for network", []string{"--network", ""}},
		{"network name/id is not specified", []string{"--network", "alias=a"}},
		{"network name/id is not specified", []string{"--network", "name="}},
		{"invalid field alias", []string{"--network", "name=shop,alias"}},
		{"invalid field shop", []string{"--network", "shop,name=shop"}},
		{"invalid field key frob", []string{"--network", "name=shop,frob=a"}},
		{"invalid gw-priority high: write a whole number", []string{"--network", "name=shop,gw-priority=high"}},
		{"invalid field key driver-opt", []string{"--network", "name=shop,driver-opt=a=b"}},
		{"invalid IPv4 address: frob", []string{"--network", "name=shop,ip=frob"}},
		{"invalid IPv4 address: fd00::1", []string{"--network", "shop", "--ip", "fd00::1"}},
		{"invalid IPv6 address: 1.2.3.4", []string{"--network", "shop", "--ip6", "1.2.3.4"}},
		{"invalid IPv6 address: ::ffff:1.2.3.4", []string{"--network", "shop", "--ip6", "::ffff:1.2.3.4"}},
		{"frob is not a valid mac address", []string{"--mac-address", "frob"}},
		{"is not a valid mac address", []string{"--network", "name=shop,mac-address=02:00:5e:10:00:00:00:01"}},
		{`network "shop" is specified multiple times`, []string{"--network", "shop", "--network", "name=shop,alias=a"}},
		{"cannot attach both user-defined and non-user-defined network-modes", []string{"--network", "bridge", "--network", "shop"}},
		{"cannot attach both user-defined and non-user-defined network-modes", []string{"--network", "shop", "--network", "container:web"}},
		{"cannot attach both user-defined and non-user-defined network-modes", []string{"--network", "none", "--network", "host"}},
		{"network-scoped aliases are only supported for user-defined networks", []string{"--network-alias", "a"}},
		{"network-scoped aliases are only supported for user-defined networks", []string{"--network", "host", "--network-alias", "a"}},
		{"network-scoped aliases are only supported for user-defined networks", []string{"--network", "name=none,alias=a"}},
		{"user specified IP address is supported on user defined networks only", []string{"--ip", "10.118.0.9"}},
		{"user specified IP address is supported on user defined networks only", []string{"--network", "none", "--ip6", "fd07::9"}},
		{"user specified IP address is supported on user defined networks only", []string{"--network", "container:web", "--ip", "10.118.0.9"}},
		{"mac-address and the network mode", []string{"--network", "host", "--mac-address", "02:00:00:00:00:09"}},
		{"cannot specify both --network-alias and per-network alias", []string{"--network", "name=shop,alias=a", "--network-alias", "b"}},
		{"cannot specify both --ip and per-network IPv4 address", []string{"--network", "name=shop,ip=10.7.0.8", "--ip", "10.7.0.9"}},
		{"cannot specify both --ip6 and per-network IPv6 address", []string{"--network", "name=shop,ip6=fd07::8", "--ip6", "fd07::9"}},
		{"cannot specify both --mac-address and per-network MAC address", []string{"--network", "name=shop,mac-address=02:00:00:00:00:08", "--mac-address", "02:00:00:00:00:09"}},
		{"use none, host, container:NAME or the name of a network", []string{"--network", "a/b"}},
	} {
		_, err := optionsOf(t, append(c.line, "base")...)
		require.ErrorContains(t, err, c.reason, c.line)
		require.ErrorAs(t, err, new(*usageError), c.line)
	}
}
