package network

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
)

func TestAPublishedPortIsReachedFromEverywhere(t *testing.T) {
	w := newWorld(t)
	web := w.start(t, w.bridged(t, "8080:80", "8080:80/udp"))
	other := w.start(t, w.bridged(t))
	answer(t, web.place, 80)
	gate := web.gate()

	for _, protocol := range []string{TCP, UDP} {
		for _, caller := range []struct {
			who     string
			from    *place
			address string
			seenAs  string
		}{
			{"another machine", w.outside, hostIP + ":8080", outsideIP},
			{"the host by its own address", nil, hostIP + ":8080", hostIP},
			{"the host by localhost", nil, "127.0.0.1:8080", gate},
			{"the host by another address of loopback", nil, "127.0.0.2:8080", gate},
			{"the host by IPv6 localhost", nil, "[::1]:8080", gate},
			{"the host by the bridge", nil, gate + ":8080", gate},
			{"the host by the container's address", nil, web.ip() + ":80", gate},
			{"the container itself", web.place, hostIP + ":8080", gate},
			{"another container by the host's address", other.place, hostIP + ":8080", gate},
			{"another container by the gateway's address", other.place, gate + ":8080", gate},
			{"another container directly", other.place, web.ip() + ":80", other.ip()},
		} {
			got, err := call(caller.from, protocol, caller.address)
			require.NoError(t, err, "%s, %s", caller.who, protocol)
			require.Equal(t, "hello from "+caller.seenAs, got, "%s, %s", caller.who, protocol)
		}
	}
}

func TestAPortOfOneAddressIsReachedOnThatAddressOnly(t *testing.T) {
	w := newWorld(t)
	giveAddress(t, "up0", "203.0.113.1")
	web := w.start(t, w.bridged(t, hostIP+":8080:80"))
	answer(t, web.place, 80)
	w.outside.do(func() { giveAddress(t, "up1", "203.0.113.2") })

	got, err := call(w.outside, TCP, hostIP+":8080")
	require.NoError(t, err)
	require.Equal(t, "hello from "+outsideIP, got)
	_, err = call(w.outside, TCP, "203.0.113.1:8080")
	require.Error(t, err)
	_, err = call(nil, TCP, "127.0.0.1:8080")
	require.Error(t, err)
}

// S48.
func TestAPortOfLoopbackIsReachedFromTheHostOnly(t *testing.T) {
	w := newWorld(t)
	web := w.start(t, w.bridged(t, "127.0.0.1:8080:80", "127.0.0.1:8080:80/udp"))
	other := w.start(t, w.bridged(t))
	answer(t, web.place, 80)
	for _, protocol := range []string{TCP, UDP} {
		got, err := call(nil, protocol, "127.0.0.1:8080")
		require.NoError(t, err)
		require.Equal(t, "hello from "+web.gate(), got)
		for who, from := range map[string]*place{"outside": w.outside, "another container": other.place, "itself": web.place} {
			_, err := call(from, protocol, hostIP+":8080")
			require.Error(t, err, "%s %s", who, protocol)
			_, err = call(from, protocol, "127.0.0.1:8080")
			require.Error(t, err, "%s %s", who, protocol)
		}
	}
	for _, file := range glob(t, "/proc/sys/net/ipv4/conf/*/route_localnet") {
		value, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, "0", strings.TrimSpace(string(value)), file)
	}
}

func glob(t *testing.T, pattern string) []string {
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

// S48: the neighbour sets a route to the containers through the host.
func TestAContainersAddressIsNotReachedFromOutside(t *testing.T) {
	w := newWorld(t)
	web := w.start(t, w.bridged(t, "127.0.0.1:8080:80", "8081:81"))
	answer(t, web.place, 80)
	answer(t, web.place, 81)
	w.outside.do(func() {
		require.NoError(t, netlink.RouteAdd(&netlink.Route{Dst: ipNet(web.spec.Network.Endpoints[0].Address.Masked()), Gw: ipNet(parse(hostIP)).IP}))
	})
	for _, port := range []string{":80", ":81"} {
		for _, protocol := range []string{TCP, UDP} {
			_, err := call(w.outside, protocol, web.ip()+port)
			require.Error(t, err, "%s%s", protocol, port)
		}
	}
	nft(t, "flush", "chain", "inet", web.spec.Network.Networks.Table, "forward")
	got, err := call(w.outside, TCP, web.ip()+":80")
	require.NoError(t, err, "it is the forward chain that keeps callers out, so without it they come in")
	require.Equal(t, "hello from "+outsideIP, got)
}

func TestAContainerReachesTheWorldUnderTheHostsAddress(t *testing.T) {
	w := newWorld(t)
	c := w.start(t, w.bridged(t))
	answer(t, w.outside, 7)
	for _, protocol := range []string{TCP, UDP} {
		got, err := call(c.place, protocol, outsideIP+":7")
		require.NoError(t, err)
		require.Equal(t, "hello from "+hostIP, got)
	}
}

// The client keeps its socket, and so its connection, as the kernel sees it.
func TestAUDPClientIsLedToTheNextContainerOfThePort(t *testing.T) {
	w := newWorld(t)
	var client net.Conn
	w.outside.do(func() {
		var err error
		client, err = net.Dial(UDP, hostIP+":8080")
		require.NoError(t, err)
		require.NoError(t, client.SetDeadline(time.Now().Add(10*time.Second)))
	})
	defer client.Close()
	for _, which := range []string{"first", "second"} {
		t.Run(which, func(t *testing.T) {
			c := w.start(t, w.bridged(t, "8080:80/udp"))
			answer(t, c.place, 80)
			require.Equal(t, "hello from "+outsideIP, ask(t, client, "hello"))
		})
	}
}

// S49, as far as there are two networks: those of two state directories.
func TestContainersOfTwoBridgesDontReachEachOther(t *testing.T) {
	w := newWorld(t)
	elsewhere := *w
	elsewhere.dir = t.TempDir()
	a, b := w.start(t, w.bridged(t)), elsewhere.start(t, elsewhere.bridged(t, "8080:80"))
	answer(t, b.place, 80)
	require.NotEqual(t, a.spec.Network.Endpoints[0].Address.Masked(), b.spec.Network.Endpoints[0].Address.Masked())

	_, err := call(a.place, TCP, b.ip()+":80")
	require.Error(t, err)
	got, err := call(a.place, TCP, hostIP+":8080")
	require.NoError(t, err, "what is published is published to all")
	require.Equal(t, "hello from "+b.gate(), got)
}

// S50.
func TestTheHostsOwnFirewallHasTheLastWord(t *testing.T) {
	w := newWorld(t)
	nft(t, "add table ip firewall; add chain ip firewall forward { type filter hook forward priority 10; }; add rule ip firewall forward meta l4proto tcp ct original proto-dst 8080 drop")
	t.Cleanup(func() { nft(t, "delete table ip firewall") })
	before := nft(t, "list", "table", "ip", "firewall")

	t.Run("while a container runs", func(t *testing.T) {
		web := w.start(t, w.bridged(t, "8080:80", "8081:80"))
		answer(t, web.place, 80)
		_, err := call(w.outside, TCP, hostIP+":8080")
		require.Error(t, err)
		_, err = call(w.outside, TCP, hostIP+":8081")
		require.NoError(t, err)
	})
	require.Equal(t, before, nft(t, "list", "table", "ip", "firewall"), "nobody else's rules are touched")
}

// As `systemctl restart nftables` does.
func TestTheRulesOfAllNetworksComeBackAfterAFlush(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "front"})
	w.network(t, Definition{Name: "back"})
	w.network(t, Definition{Name: "unused"})
	db := w.start(t, w.on(t, []string{"back"}))
	answer(t, db.place, 80)
	answer(t, w.outside, 7)
	nft(t, "flush ruleset")
	stranger := w.start(t, w.on(t, []string{"front"}))
	_, err := call(stranger.place, TCP, db.ip()+":80")
	require.Error(t, err, "they are apart again")
	got, err := call(db.place, TCP, outsideIP+":7")
	require.NoError(t, err)
	require.Equal(t, "hello from "+hostIP, got)
	unused, err := w.networks().Find("unused")
	require.NoError(t, err)
	require.NotContains(t, w.table(t), unused.Link)
}

func TestTheBridgeHasTheUplinksMTU(t *testing.T) {
	w := newWorld(t)
	c := w.start(t, w.bridged(t))
	bridge, err := netlink.LinkByName(c.spec.Network.Networks.Table)
	require.NoError(t, err)
	require.Equal(t, uplinkSize, bridge.Attrs().MTU)
	c.do(func() {
		eth0, err := netlink.LinkByName("eth0")
		require.NoError(t, err)
		require.Equal(t, uplinkSize, eth0.Attrs().MTU)
	})
}

func TestTheBridgeHasTheMTUOfAnUplinkOfIPv6(t *testing.T) {
	w := newWorld(t)
	giveAddress6(t, "up0", "2001:db8::1")
	require.NoError(t, netlink.RouteDel(&netlink.Route{Gw: net.ParseIP(outsideIP)}))
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP("2001:db8::2")}))
	c := w.start(t, w.bridged(t))
	bridge, err := netlink.LinkByName(c.spec.Network.Networks.Table)
	require.NoError(t, err)
	require.Equal(t, uplinkSize, bridge.Attrs().MTU)
}

// S51.
func TestTheBridgeTakesNoRouterAdvertisements(t *testing.T) {
	w := newWorld(t)
	c := w.start(t, w.bridged(t))
	for file, want := range map[string]string{"accept_ra": "0", "disable_ipv6": "1"} {
		value, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + c.spec.Network.Networks.Table + "/" + file)
		if !errors.Is(err, os.ErrNotExist) {
			require.NoError(t, err)
			require.Equal(t, want, strings.TrimSpace(string(value)))
		}
	}
}
