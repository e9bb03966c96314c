package network

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// network makes a network in the world, which goes with the test.
func (w *world) network(t testing.TB, asked Definition) *Definition {
	if asked.Driver == "" {
		asked.Driver = Bridge
	}
	d, err := w.networks().Create(asked)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.networks().Remove(d.Name)) })
	return d
}

// on returns the Spec of a container on these networks.
func (w *world) on(t testing.TB, networks []string, ports ...string) *Spec {
	s := w.bridged(t, ports...)
	s.Network.Endpoints = nil
	for _, name := range networks {
		s.Network.Endpoints = append(s.Network.Endpoints, Endpoint{Network: name})
	}
	return s
}

func (c *container) at(network string) string {
	return c.spec.Network.On(network).Address.Addr().String()
}

// S49.
func TestNetworksDontReachEachOther(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "front"})
	w.network(t, Definition{Name: "back"})
	web := w.start(t, w.on(t, []string{"front", "back"}, "8080:80"))
	db := w.start(t, w.on(t, []string{"back"}))
	stranger := w.start(t, w.on(t, []string{"front"}))
	for _, c := range []*container{web, db, stranger} {
		answer(t, c.place, 80)
	}
	for _, way := range []struct {
		from    *container
		address string
		seenAs  string
	}{
		{web, db.at("back"), web.at("back")},
		{web, stranger.at("front"), web.at("front")},
		{db, web.at("back"), db.at("back")},
		{stranger, web.at("front"), stranger.at("front")},
	} {
		got, err := call(way.from.place, TCP, way.address+":80")
		require.NoError(t, err)
		require.Equal(t, "hello from "+way.seenAs, got)
	}
	for address, from := range map[string]*container{db.at("back"): stranger, stranger.at("front"): db, web.at("back"): stranger} {
		for _, protocol := range []string{TCP, UDP} {
			_, err := call(from.place, protocol, address+":80")
			require.Error(t, err, "%s %s", protocol, address)
		}
	}
	got, err := call(db.place, TCP, hostIP+":8080")
	require.NoError(t, err, "what is published is published to all")
	require.Equal(t, "hello from "+db.at("back"), got)
}

func TestAnInternalNetworkHasNoWayOutAndNoneIn(t *testing.T) {
	w := newWorld(t)
	d := w.network(t, Definition{Name: "vault", Internal: true})
	one := w.start(t, w.on(t, []string{"vault"}, "8080:80"))
	two := w.start(t, w.on(t, []string{"vault"}))
	answer(t, one.place, 80)
	answer(t, w.outside, 7)

	got, err := call(two.place, TCP, one.at("vault")+":80")
	require.NoError(t, err)
	require.Equal(t, "hello from "+two.at("vault"), got)
	_, err = call(two.place, TCP, outsideIP+":7")
	require.ErrorIs(t, err, unix.ENETUNREACH)
	two.do(func() { // as its root could, with CAP_NET_ADMIN
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Gw: d.Subnets[0].Gateway.AsSlice()}))
	})
	for _, protocol := range []string{TCP, UDP} {
		_, err = call(two.place, protocol, outsideIP+":7")
		require.Error(t, err, "a route alone is no way out")
		_, err = call(w.outside, protocol, hostIP+":8080")
		require.Error(t, err, "no port of it is published")
	}
}

// Who calls a port of a container that has no address there must not come to
// the host's own loopback instead.
func TestAPortOfAnInternalNetworkIsNotTheHosts(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "vault", Internal: true})
	answer(t, nil, 80)
	w.start(t, w.on(t, []string{"vault"}, "8080:80", "8080:80/udp"))
	for _, protocol := range []string{TCP, UDP} {
		for _, from := range []*place{w.outside, nil} {
			_, err := call(from, protocol, hostIP+":8080")
			require.Error(t, err)
		}
	}
}

func TestANetworkSaysWhereItsPortsArePublished(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "local", Options: Options{optionHostIP: "127.0.0.1"}})
	w.network(t, Definition{Name: "wire", Driver: Macvlan, Options: Options{optionParent: "up0"}})
	web := w.start(t, w.on(t, []string{"local"}, "8080:80", hostIP+":8081:80"))
	answer(t, web.place, 80)
	for address, reached := range map[string]bool{hostIP + ":8080": false, hostIP + ":8081": true} {
		_, err := call(w.outside, TCP, address)
		require.Equal(t, reached, err == nil, address)
	}
	_, err := call(nil, TCP, "127.0.0.1:8080")
	require.NoError(t, err)
	s := w.on(t, []string{"wire"}, "8082:80")
	w.start(t, s)
	require.Empty(t, s.Network.Ports, "on the wire itself there is nothing to publish")
}

func TestIPv6IsThereWhereItWasAskedFor(t *testing.T) {
	w := newWorld(t)
	d := w.network(t, Definition{Name: "six", IPv6: true})
	const hostIP6, outsideIP6 = "2001:db8::1", "2001:db8::2"
	giveAddress6(t, "up0", hostIP6)
	w.outside.do(func() { giveAddress6(t, "up1", outsideIP6) })
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(outsideIP6)}))
	web := w.start(t, w.on(t, []string{"six"}, "8080:80"))
	other := w.start(t, w.on(t, []string{"six"}))
	answer6(t, web.place, 80)
	answer6(t, w.outside, 7)
	ip6 := web.spec.Network.Endpoints[0].Address6.Addr().String()
	gate := d.Subnets[1].Gateway.String()

	for _, way := range []struct {
		who     string
		from    *place
		address string
		seenAs  string
	}{
		{"another container", other.place, "[" + ip6 + "]:80", other.spec.Network.Endpoints[0].Address6.Addr().String()},
		{"a container of the world", web.place, "[" + outsideIP6 + "]:7", hostIP6},
		{"the world, by the published port", w.outside, "[" + hostIP6 + "]:8080", outsideIP6},
		{"the host by its own address", nil, "[" + hostIP6 + "]:8080", hostIP6},
		{"the container itself", web.place, "[" + hostIP6 + "]:8080", gate},
	} {
		got, err := call(way.from, TCP, way.address)
		require.NoError(t, err, way.who)
		require.Equal(t, "hello from "+way.seenAs, got, way.who)
	}
	w.outside.do(func() {
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(d.Subnets[1].Prefix), Gw: net.ParseIP(hostIP6)}))
	})
	_, err := call(w.outside, TCP, "["+ip6+"]:80")
	require.Error(t, err, "S48, by IPv6")
	for _, at := range []struct {
		place *place
		link  string
	}{{nil, d.Link}, {web.place, "eth0"}} { // S51
		at.place.do(func() {
			require.Equal(t, "0", sysctl(t, "ipv6/conf/"+at.link+"/accept_ra"))
			require.Equal(t, "0", sysctl(t, "ipv6/conf/"+at.link+"/disable_ipv6"))
		})
	}
}

func giveAddress6(t testing.TB, name, ip string) {
	link, err := netlink.LinkByName(name)
	require.NoError(t, err)
	require.NoError(t, netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(ip), Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD}))
}

func sysctl(t testing.TB, name string) string {
	text, err := os.ReadFile("/proc/sys/net/" + name)
	require.NoError(t, err)
	return strings.TrimSpace(string(text))
}

// With br_netfilter, what is led back to its own bridge is bridged.
func TestANetworkCanKeepItsContainersApart(t *testing.T) {
	for _, bridgedPass := range []string{"0", "1"} {
		t.Run("br_netfilter "+bridgedPass, func(t *testing.T) {
			w := newWorld(t)
			const bridged = "bridge/bridge-nf-call-iptables"
			if exists("/proc/sys/net/" + bridged) {
				before := sysctl(t, bridged)
				t.Cleanup(func() { require.NoError(t, setSysctl(bridged, before)) })
				require.NoError(t, setSysctl(bridged, bridgedPass))
			} else if bridgedPass == "1" {
				t.Skip("for a machine with the module br_netfilter")
			}
			d := w.network(t, Definition{Name: "apart", Options: Options{optionReach: "false"}})
			web := w.start(t, w.on(t, []string{"apart"}, "8080:80", "8080:80/udp"))
			other := w.start(t, w.on(t, []string{"apart"}))
			stranger := w.start(t, w.bridged(t))
			answer(t, web.place, 80)
			gate := d.Subnets[0].Gateway.String()
			for _, protocol := range []string{TCP, UDP} {
				_, err := call(other.place, protocol, web.ip()+":80")
				require.Error(t, err, protocol)
				for from, seenAs := range map[*container]string{stranger: stranger.ip(), other: gate, web: gate} {
					got, err := call(from.place, protocol, hostIP+":8080")
					require.NoError(t, err, "what is published is published to all, %s to %s", protocol, from.ip())
					require.Equal(t, "hello from "+seenAs, got)
				}
			}
		})
	}
}

func TestANetworkCanBeRoutedWithoutMasquerading(t *testing.T) {
	w := newWorld(t)
	d := w.network(t, Definition{Name: "routed", Options: Options{optionMasquerade: "false", optionMTU: "1300"}})
	c := w.start(t, w.on(t, []string{"routed"}))
	answer(t, w.outside, 7)
	w.outside.do(func() {
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(d.Subnets[0].Prefix), Gw: net.ParseIP(hostIP)}))
	})
	got, err := call(c.place, TCP, outsideIP+":7")
	require.NoError(t, err)
	require.Equal(t, "hello from "+c.ip(), got)
	c.do(func() {
		eth0, err := netlink.LinkByName("eth0")
		require.NoError(t, err)
		require.Equal(t, 1300, eth0.Attrs().MTU)
	})
}
