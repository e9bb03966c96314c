package resolver

import (
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/dns/dnsmessage"

	"cooper/stage01-namespaces/notrace"
)

// somewhere is a network that leads out.
func somewhere(t testing.TB) func() ([]Network, error) { return on(newNetwork(t, "shop")) }

// systemd-resolved listens on the host's 127.0.0.53, where the container has
// nobody; a server that the user named can be one of the container's own.
func TestEachServerIsAskedFromWhereItIs(t *testing.T) {
	notrace.Check(t)
	c := newContainer(t)
	stub := newUpstream(t, "127.0.0.53:53", says("192.0.2.1"))
	var own *upstream
	c.do(func() { own = newUpstream(t, "127.0.0.53:53", says("192.0.2.2")) })
	own.Inside = true

	c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{stub.Server, own.Server}})
	require.Equal(t, "600 IN A 192.0.2.1", c.dig(t, "example.org"))
	require.Equal(t, "600 IN A 192.0.2.1", c.dig(t, "+tcp", "example.org"))
	require.EqualValues(t, 2, stub.asked.Load())
	require.Zero(t, own.asked.Load())

	c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{own.Server, stub.Server}})
	require.Equal(t, "600 IN A 192.0.2.2", c.dig(t, "example.org"))
	require.Equal(t, "600 IN A 192.0.2.2", c.dig(t, "+tcp", "example.org"))
	require.EqualValues(t, 2, own.asked.Load())
}

func TestAServerCanHaveAnIPv6Address(t *testing.T) {
	notrace.Check(t)
	c, router := newContainer(t), newContainer(t)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "up0"}, PeerName: "up1", PeerNamespace: netlink.NsFd(int(router.netns.Fd()))}
	require.NoError(t, netlink.LinkAdd(veth))
	t.Cleanup(func() { require.NoError(t, netlink.LinkDel(veth)) })
	giveLinkLocal(t, "up0", "fe80::1")
	router.do(func() {
		giveLinkLocal(t, "up1", "fe80::2")
		newUpstream(t, "[fe80::2%up1]:53", says("192.0.2.2"))
	})
	local := newUpstream(t, "[::1]:53", says("192.0.2.1"))
	next := Server{AddrPort: netip.MustParseAddrPort("[fe80::2%up0]:53")}

	for server, want := range map[Server]string{local.Server: "192.0.2.1", next: "192.0.2.2"} {
		c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{server}})
		require.Equal(t, "600 IN A "+want, c.dig(t, "example.org"), server)
		require.Equal(t, "600 IN A "+want, c.dig(t, "+tcp", "example.org"), server)
	}
}

// giveLinkLocal gives an address that is there at once, without asking around
// whether anybody has it.
func giveLinkLocal(t testing.TB, link, ip string) {
	l, err := netlink.LinkByName(link)
	require.NoError(t, err)
	address, err := netlink.ParseAddr(ip + "/64")
	require.NoError(t, err)
	address.Flags = 0x02 // IFA_F_NODAD
	require.NoError(t, netlink.AddrAdd(l, address))
	require.NoError(t, netlink.LinkSetUp(l))
}

// CVE-2024-29018: a name is a way to tell the world something.
func TestFromAnInternalNetworkNothingIsForwarded(t *testing.T) {
	notrace.Check(t)
	closed, open := newNetwork(t, "closed"), newNetwork(t, "open")
	closed.Internal = true
	closed.join(t, webID, "web", "10.118.0.7")
	host := newUpstream(t, "127.0.0.53:53", says("192.0.2.1"))
	c := newContainer(t)
	var own *upstream
	c.do(func() { own = newUpstream(t, "127.0.0.1:5353", says("192.0.2.2")) })
	own.Inside = true
	servers := []Server{host.Server, own.Server}

	c.serve(t, Config{Networks: on(closed), Upstream: servers})
	require.Equal(t, "600 IN A 10.118.0.7", c.dig(t, "web"))
	for _, question := range []string{"secret.example.org", "doorbell", "TXT secret.example.org", "PTR 1.2.0.192.in-addr.arpa", "-c CH TXT version.bind"} {
		require.Equal(t, "SERVFAIL", c.dig(t, strings.Fields(question)...), question)
		require.Equal(t, "SERVFAIL", c.dig(t, append(strings.Fields(question), "+tcp")...), question)
	}
	for what, networks := range map[string]func() ([]Network, error){
		"no network":        on(),
		"several internal":  on(closed, closed),
		"who knows, by now": func() ([]Network, error) { return []Network{open}, net.ErrClosed },
	} {
		r := &Resolver{config: Config{Networks: networks, Upstream: servers}}
		answer := r.answer(parse(queryFor("secret.example.org.", dnsmessage.TypeA), false))
		require.NotNil(t, answer, what)
		require.Equal(t, dnsmessage.RCodeServerFailure, unpacked(t, answer).RCode, what)
	}
	require.Zero(t, host.asked.Load()+own.asked.Load())

	c.serve(t, Config{Networks: on(closed, open), Upstream: servers})
	require.Equal(t, "600 IN A 192.0.2.1", c.dig(t, "example.org"), "one that isn't internal is enough")
}

func TestTheNextServerIsAskedWhenOneIsOfNoUse(t *testing.T) {
	notrace.Check(t)
	good := newUpstream(t, "127.0.0.1:0", says("192.0.2.1"))
	silent := newUpstream(t, "127.0.0.1:0", func(dnsmessage.Message, bool) []byte { return nil }).Server
	gone := Server{AddrPort: netip.MustParseAddrPort("127.0.0.77:53")}
	unreachable := Server{AddrPort: netip.MustParseAddrPort("192.0.2.77:53")}
	failing := newUpstream(t, "127.0.0.1:0", fails(dnsmessage.RCodeServerFailure)).Server
	refusing := newUpstream(t, "127.0.0.1:0", fails(dnsmessage.RCodeRefused)).Server
	mute := newUpstream(t, "127.0.0.1:0", func(query dnsmessage.Message, _ bool) []byte {
		m := response(query, dnsmessage.RCodeRefused)
		m.Questions = nil
		return packed(m)
	}).Server
	unknown := newUpstream(t, "127.0.0.1:0", fails(dnsmessage.RCodeNameError)).Server

	const found = "600 IN A 192.0.2.1"
	for _, test := range []struct {
		name    string
		servers []Server
		want    string
	}{
		{"none answers at its address", []Server{gone, good.Server}, found},
		{"no way leads there", []Server{unreachable, good.Server}, found},
		{"it fails", []Server{failing, good.Server}, found},
		{"it refuses", []Server{refusing, good.Server}, found},
		{"it refuses, and repeats no question", []Server{mute, good.Server}, found},
		{"two are", []Server{failing, gone, good.Server}, found},
		{"the name is unknown", []Server{unknown, good.Server}, "NXDOMAIN"},
		{"three are", []Server{failing, gone, refusing, good.Server}, "REFUSED"},
		{"all fail", []Server{gone, failing}, "SERVFAIL"},
		{"nobody is there", []Server{gone}, "SERVFAIL"},
		{"none is known", nil, "SERVFAIL"},
		{"it says nothing", []Server{silent, good.Server}, found},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := newContainer(t)
			c.serve(t, Config{Networks: somewhere(t), Upstream: test.servers})
			for _, protocol := range []string{"+notcp", "+tcp"} {
				require.Equal(t, test.want, c.dig(t, protocol, "example.org"), protocol)
			}
		})
	}
}

func TestTheContainersOwnResolverIsNoServerOfIts(t *testing.T) {
	notrace.Check(t)
	c := newContainer(t)
	for _, address := range []string{"127.0.0.11", "::ffff:127.0.0.11"} {
		self := Server{AddrPort: netip.AddrPortFrom(netip.MustParseAddr(address), 53), Inside: true}
		_, err := Listen(c.netns, Config{Networks: somewhere(t), Upstream: []Server{self}})
		require.EqualError(t, err, "dns server 127.0.0.11 is the container's own resolver: name another")
	}
}

// A client that is in a hurry: Close has to end what is under way.
func TestCloseWaitsForNobody(t *testing.T) {
	notrace.Check(t)
	asked := make(chan bool, 2) // one by UDP, one by TCP
	silent := newUpstream(t, "127.0.0.53:53", func(dnsmessage.Message, bool) []byte { asked <- true; return nil })
	c := newContainer(t)
	r := c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{silent.Server}})
	udp, tcp, idle := c.dial(t, "udp", "127.0.0.11:53"), c.dial(t, "tcp", "127.0.0.11:53"), c.dial(t, "tcp", "127.0.0.11:53")
	query := queryFor("example.org.", dnsmessage.TypeA)
	_, err := udp.Write(query)
	require.NoError(t, err)
	require.NoError(t, writeFramed(tcp, query))
	<-asked
	<-asked
	began := time.Now()
	require.NoError(t, r.Close())
	require.Less(t, time.Since(began), patience/2)
	for _, conn := range []net.Conn{tcp, idle} {
		_, err := io.Copy(io.Discard, conn) // perhaps it is told that nobody answered
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the connection ends")
	}
	require.NoError(t, r.Close(), "twice")
}
