package network

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
)

// leadsBy requires that all that comes and goes does so by this network.
func leadsBy(t *testing.T, w *world, c *container, network string) {
	e := c.spec.Network.On(network)
	require.Equal(t, []string{e.Gateway.String()}, defaults(t, c.place, netlink.FAMILY_V4))
	require.Contains(t, w.table(t), fmt.Sprintf(". 8080 : %s . 80", e.Address.Addr()))
	for _, way := range []struct {
		from    *place
		address string
		seenAs  string
	}{{c.place, outsideIP + ":7", hostIP}, {w.outside, hostIP + ":8080", outsideIP}} {
		got, err := call(way.from, TCP, way.address)
		require.NoError(t, err, "%s by %s", way.address, network)
		require.Equal(t, "hello from "+way.seenAs, got)
	}
}

// defaults are the gateways of the default routes.
func defaults(t *testing.T, p *place, family int) (gateways []string) {
	p.do(func() {
		routes, err := netlink.RouteList(nil, family)
		require.NoError(t, err)
		for _, route := range routes {
			if route.Gw != nil {
				gateways = append(gateways, route.Gw.String())
			}
		}
	})
	return gateways
}

func TestTheWayOutIsByTheNetworkThatIsPreferred(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"low", "first", "second", "high"} {
		w.network(t, Definition{Name: name})
	}
	s := w.on(t, []string{"low", "first", "second"}, "8080:80")
	s.Network.Endpoints[0].GatewayPriority = -1
	c := w.start(t, s)
	answer(t, c.place, 80)
	answer(t, w.outside, 7)
	leadsBy(t, w, c, "first")

	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.pid))
	require.NoError(t, err)
	defer namespace.Close()
	require.NoError(t, Attach(s, namespace, Endpoint{Network: "high", GatewayPriority: 5}))
	leadsBy(t, w, c, "high")
	require.NoError(t, Detach(s, namespace, "high"))
	leadsBy(t, w, c, "first")

	s.Network.FilesDir = t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(s.Network.FilesDir, hostnameFile), 0o700)) // where a file should be
	require.ErrorContains(t, Attach(s, namespace, Endpoint{Network: "high", GatewayPriority: 5}), "network/write_files")
	leadsBy(t, w, c, "first")
	require.Len(t, linksIn(t, c.place), 4, "loopback and three")
	s.Network.FilesDir = ""
	require.NoError(t, Detach(s, namespace, "first"))
	leadsBy(t, w, c, "second")
	require.NoError(t, Detach(s, namespace, "second"))
	leadsBy(t, w, c, "low")
}

func TestEachFamilyHasItsOwnWayOut(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "four"})
	w.network(t, Definition{Name: "six", IPv6: true})
	w.network(t, Definition{Name: "both", IPv6: true})
	const hostIP6, outsideIP6 = "2001:db8::1", "2001:db8::2"
	giveAddress6(t, "up0", hostIP6)
	w.outside.do(func() { giveAddress6(t, "up1", outsideIP6) })
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(outsideIP6)}))
	c := w.start(t, w.on(t, []string{"four", "six"}, "8080:80"))
	answer(t, c.place, 80)
	answer6(t, c.place, 80)
	answer(t, w.outside, 7)
	answer6(t, w.outside, 7)
	byIPv6 := func(network string) {
		e := c.spec.Network.On(network)
		require.Equal(t, []string{e.Gateway6.String()}, defaults(t, c.place, netlink.FAMILY_V6))
		require.Contains(t, w.table(t), fmt.Sprintf(". 8080 : %s . 80", e.Address6.Addr()))
		out, err := call(c.place, TCP, "["+outsideIP6+"]:7")
		require.NoError(t, err)
		in, err := call(w.outside, TCP, "["+hostIP6+"]:8080")
		require.NoError(t, err)
		require.Equal(t, []string{"hello from " + hostIP6, "hello from " + outsideIP6}, []string{out, in})
	}
	leadsBy(t, w, c, "four")
	byIPv6("six")

	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.pid))
	require.NoError(t, err)
	defer namespace.Close()
	require.NoError(t, Attach(c.spec, namespace, Endpoint{Network: "both", GatewayPriority: 1}))
	leadsBy(t, w, c, "both")
	byIPv6("both")
	require.NoError(t, Detach(c.spec, namespace, "both"))
	leadsBy(t, w, c, "four")
	byIPv6("six")
}
