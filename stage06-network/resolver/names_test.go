package resolver

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"cooper/stage01-namespaces/notrace"
)

func TestANeighbourIsKnownByItsNames(t *testing.T) {
	notrace.Check(t)
	shop, back := newNetwork(t, "Shop"), newNetwork(t, "back.end")
	shop.join(t, webID, "Web", "10.118.0.7 fd12::7", "front.door")
	back.join(t, dbID, "db", "10.119.0.2")
	world := newUpstream(t, "127.0.0.53:53", fails(dnsmessage.RCodeNameError))
	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop, back), Upstream: []Server{world.Server}})

	for _, test := range []struct{ kind, name, want string }{
		{"A", "web", "600 IN A 10.118.0.7"},
		{"A", "wEB.", "600 IN A 10.118.0.7"},
		{"AAAA", "web", "600 IN AAAA fd12::7"},
		{"ANY", "db", "600 IN A 10.119.0.2"},
		{"A", "front.door", "600 IN A 10.118.0.7"},
		{"A", "front.door.shop", "600 IN A 10.118.0.7"},
		{"A", "web.SHOP", "600 IN A 10.118.0.7"},
		{"A", "db.back.end", "600 IN A 10.119.0.2"},
		{"A", webID[:12], "600 IN A 10.118.0.7"},
		{"PTR", "7.0.118.10.in-addr.arpa", "600 IN PTR Web.Shop."},
		{"PTR", "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.1.D.f.ip6.arpa", "600 IN PTR Web.Shop."},
		{"A", "web.back.end", "NXDOMAIN"},
		{"A", "web.shop.shop", "NXDOMAIN"},
		{"A", "doorbell", "NXDOMAIN"},
		{"PTR", "8.0.118.10.in-addr.arpa", "NXDOMAIN"},
		{"PTR", "7.0.118.10.in-addr.arpa.shop", "NXDOMAIN"},
	} {
		t.Run(test.kind+" "+test.name, func(t *testing.T) {
			require.Equal(t, test.want, c.dig(t, test.kind, test.name))
			require.Equal(t, test.want, c.dig(t, "+tcp", "+noedns", test.kind, test.name))
		})
	}
}

func TestNamesOfOneNetworkAreUnknownOnAnother(t *testing.T) {
	notrace.Check(t)
	shop, back := newNetwork(t, "shop"), newNetwork(t, "back")
	shop.join(t, webID, "web", "10.118.0.7")
	back.join(t, dbID, "db", "10.119.0.2")
	world := newUpstream(t, "127.0.0.53:53", fails(dnsmessage.RCodeNameError))
	a, b := newContainer(t), newContainer(t)
	a.serve(t, Config{Networks: on(shop), Upstream: []Server{world.Server}})
	b.serve(t, Config{Networks: on(back), Upstream: []Server{world.Server}})

	require.Equal(t, "600 IN A 10.118.0.7", a.dig(t, "web"))
	require.Equal(t, "600 IN A 10.119.0.2", b.dig(t, "db.back"))
	for _, name := range []string{"db", "db.back", dbID[:12]} {
		require.Equal(t, "NXDOMAIN", a.dig(t, name))
	}
	require.Equal(t, "NXDOMAIN", a.dig(t, "PTR", "2.0.119.10.in-addr.arpa"))
}

func TestWhoComesAndGoesIsSeenByTheNextQuery(t *testing.T) {
	notrace.Check(t)
	shop, back := newNetwork(t, "shop"), newNetwork(t, "back")
	var networks atomic.Pointer[[]Network]
	networks.Store(&[]Network{shop})
	c := newContainer(t)
	c.serve(t, Config{Networks: func() ([]Network, error) { return *networks.Load(), nil }})

	require.Equal(t, "SERVFAIL", c.dig(t, "web"))
	shop.join(t, webID, "web", "10.118.0.7")
	require.Equal(t, "600 IN A 10.118.0.7", c.dig(t, "web"))
	shop.leave(t, webID, "web")
	require.Equal(t, "SERVFAIL", c.dig(t, "web"), "its directory is there and empty")

	back.join(t, dbID, "db", "10.119.0.2")
	require.Equal(t, "SERVFAIL", c.dig(t, "db"))
	networks.Store(&[]Network{shop, back})
	require.Equal(t, "600 IN A 10.119.0.2", c.dig(t, "db"))
}

// What a neighbour has none of, the world shall not make up.
func TestAKnownNameIsNeverForwarded(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7")
	shop.join(t, dbID, "db", "fd12::2")
	world := newUpstream(t, "127.0.0.53:53", says("192.0.2.66"))
	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop), Upstream: []Server{world.Server}})
	for _, question := range []string{"AAAA web", "A db", "MX web", "TXT web.shop", "HTTPS db", "PTR web"} {
		require.Empty(t, c.dig(t, strings.Fields(question)...), question)
	}
	require.Zero(t, world.asked.Load())
	require.Equal(t, "600 IN A 192.0.2.66", c.dig(t, "A", "web.example.org"))
}

func TestSeveralHoldersOfANameShareTheWork(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	want := map[string]bool{}
	for i := range 4 {
		id := fmt.Sprintf("%064x", i+1)
		shop.join(t, id, fmt.Sprintf("shop-web-%d", i), fmt.Sprintf("10.118.0.%d", i+2), "web")
		want[fmt.Sprintf("600 IN A 10.118.0.%d", i+2)] = true
	}
	first := map[string]bool{}
	networks := []Network{shop}
	for range 200 {
		addresses, known, err := lookUp(networks, dnsmessage.Question{Name: dnsmessage.MustNewName("web."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET})
		require.NoError(t, err)
		require.True(t, known)
		require.Len(t, addresses, 4)
		first[addresses[0].Body.GoString()] = true
	}
	require.Len(t, first, 4, "each comes first now and then")

	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop)})
	got := map[string]bool{}
	for _, line := range strings.Split(c.dig(t, "web"), "\n") {
		got[line] = true
	}
	require.Equal(t, want, got)
}

func TestRealProgramsFindTheirNeighbours(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7 fd12::7")
	shop.join(t, dbID, "db", "10.118.0.8")
	world := newUpstream(t, "127.0.0.53:53", says("192.0.2.7"))
	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop), Upstream: []Server{world.Server}})

	c.do(func() { giveAddress(t, "lo", "10.118.0.99") }) // getaddrinfo(3) leaves out what one couldn't call

	require.Contains(t, c.run(t, "getent", "ahostsv4", "web"), "10.118.0.7 ")
	require.Contains(t, c.run(t, "getent", "ahosts", "db"), "10.118.0.8 ")
	require.Equal(t, "10.118.0.7      web.shop\n", c.run(t, "getent", "hosts", "10.118.0.7"))
	require.Contains(t, c.run(t, "getent", "ahostsv4", "example.org"), "192.0.2.7 ")
	require.Contains(t, c.run(t, "busybox", "nslookup", "web"), "Address: 10.118.0.7\n")
	require.Contains(t, c.run(t, "busybox", "nslookup", "web"), "Address: fd12::7\n")
	out := c.run(t, "host", "web")
	require.Contains(t, out, "web has address 10.118.0.7\nweb has IPv6 address fd12::7")
}

// S52.
func TestANameThatIsNoneNeverBecomesAPath(t *testing.T) {
	network := newNetwork(t, "mynet")
	network.join(t, webID, "web", "10.118.0.7")
	// If they became paths, they would find something.
	for _, dir := range []string{"-x", "_x", ".x", "a b", "a*", "a\nb", "k\u212a", "Web", strings.Repeat("a", 64)} {
		require.NoError(t, os.MkdirAll(filepath.Join(network.Dir, "names", dir), 0o700))
		require.NoError(t, os.Symlink("10.118.0.9 evil", filepath.Join(network.Dir, "names", dir, dbID)))
	}
	for _, name := range []string{
		"", ".", "..", "../names/web", "web/", "web/../web", "/etc", "web\x00", "-x", "_x", ".x", "a b", "a*", "a\nb", "k\u212a",
		"Web", strings.Repeat("a", 64), webID,
	} {
		_, known, err := network.addresses(name)
		require.NoError(t, err)
		require.False(t, known, "%q", name)
		require.False(t, isName(name), "%q", name)
	}
	for _, name := range []string{"web", "a", "0", "a_b", "a.b", "a-", "a..b", strings.Repeat("a", 63)} {
		require.True(t, isName(name), "%q", name)
	}
	require.Equal(t, "k\u212a", lower(dnsmessage.MustNewName("K\u212a.")), "the Kelvin sign is no k")
}

func TestAnAddressIsReadBackwards(t *testing.T) {
	for name, want := range map[string]string{
		"7.0.118.10.in-addr.arpa": "10.118.0.7",
		"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa": "2001:db8::1",
	} {
		ip, ok := reversed(name)
		require.True(t, ok, name)
		require.Equal(t, netip.MustParseAddr(want), ip)
	}
	for _, name := range []string{
		"", "in-addr.arpa", ".in-addr.arpa", "0.118.10.in-addr.arpa", "1.7.0.118.10.in-addr.arpa", "07.0.118.10.in-addr.arpa",
		"256.0.0.1.in-addr.arpa", "fd12::7.in-addr.arpa", "ip6.arpa", "1.ip6.arpa",
		strings.Repeat("0.", 31) + "g.ip6.arpa", strings.Repeat("0.", 31) + "00.ip6.arpa", strings.Repeat("0.", 32) + "0.ip6.arpa",
	} {
		_, ok := reversed(name)
		require.False(t, ok, name)
	}
}
