package trace

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

func TestTargets(t *testing.T) {
	for target, want := range map[string]struct {
		host string
		port uint16
	}{
		"example.org":    {"example.org", 0},
		"example.org:80": {"example.org", 80},
		"192.0.2.1":      {"192.0.2.1", 0},
		"192.0.2.1:443":  {"192.0.2.1", 443},
		"fd12::1":        {"fd12::1", 0},
		"[fd12::1]:53":   {"fd12::1", 53},
	} {
		host, port, err := ParseTarget(target)
		require.NoError(t, err, target)
		require.Equal(t, want.host, host, target)
		require.Equal(t, want.port, port, target)
	}
	for _, target := range []string{"web:0", "web:65536", "web:http", ":80"} {
		_, _, err := ParseTarget(target)
		require.ErrorContains(t, err, "give HOST or HOST:PORT", target)
	}
}

func TestAProtocolNeedsAPort(t *testing.T) {
	_, err := Probe{Host: "web", Protocol: "udp"}.protocol()
	require.ErrorContains(t, err, "give a port, as in web:80")
	_, err = Probe{Host: "web", Port: 80, Protocol: "sctp"}.protocol()
	require.ErrorContains(t, err, "neither tcp nor udp")
}

func TestHostsPrefersIPv4(t *testing.T) {
	found := parseHosts(strings.NewReader("::1 localhost\n# 192.0.2.9 web\nfd12::2 web # web\n10.118.0.2\tdb WEB\nnonsense web\n"), "web")
	require.Equal(t, []netip.Addr{netip.MustParseAddr("10.118.0.2"), netip.MustParseAddr("fd12::2")}, found)
}

// files makes a container's root with these two.
func files(t *testing.T, hosts, resolv string) string {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/hosts"), []byte(hosts), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/resolv.conf"), []byte(resolv), 0o644))
	return root
}

func TestTheContainersFilesAreReadInItsRootOnly(t *testing.T) {
	root := files(t, "", "")
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("192.0.2.1 web\n"), 0o644))
	require.NoError(t, os.Remove(filepath.Join(root, "etc/hosts")))
	require.NoError(t, os.Symlink(outside, filepath.Join(root, "etc/hosts")))
	_, err := openInRoot(root, "etc/hosts")
	require.ErrorIs(t, err, os.ErrNotExist)

	require.NoError(t, os.Remove(filepath.Join(root, "etc/hosts")))
	require.NoError(t, unix.Mkfifo(filepath.Join(root, "etc/hosts"), 0o644))
	_, err = openInRoot(root, "etc/hosts")
	require.ErrorIs(t, err, unix.EINVAL, "a pipe would keep us waiting")
}

func TestNamesAreLookedUpAsTheContainerDoes(t *testing.T) {
	everyLab(t, []report{
		{"in hosts", aNameInHosts},
		{"by its name server", aNameOfTheNameServer},
		{"by nobody", aNameThatNobodyHas},
		{"by the engine", aNameThatTheEngineDoesNotKnow},
		{"not at all", anAddressOfNoParticularLink},
	})
}

func aNameInHosts(t *testing.T) {
	l := newLab(t)
	p := l.probe("outside", 9, "tcp")
	p.Root = files(t, "127.0.0.1 localhost\n198.51.100.2 Outside echo # a comment\n", "")
	require.Equal(t, Hop{Way: Out, Where: "container", What: "name", Text: "outside is 198.51.100.2, says /etc/hosts"}, trace(t, p).Hops[0])
}

func aNameOfTheNameServer(t *testing.T) {
	l := newLab(t)
	l.outside.nameServer(t, "", map[string][4]byte{"web.lab.test.": {198, 51, 100, 2}}, dnsmessage.RCodeNameError)
	l.outside.run(t, "ip route add default via 198.51.100.1")
	p := l.probe("web", 9, "tcp")
	p.Root = files(t, "", "nameserver 198.51.100.2\nsearch no.test lab.test\n")
	r := trace(t, p)
	require.Equal(t, "web.lab.test is 198.51.100.2, says name server 198.51.100.2 of /etc/resolv.conf", r.Hops[0].Text)
	require.Equal(t, Refused, r.Result)
}

func aNameThatNobodyHas(t *testing.T) {
	l := newLab(t)
	l.outside.nameServer(t, "", nil, dnsmessage.RCodeNameError)
	l.db.nameServer(t, "", nil, dnsmessage.RCodeServerFailure)
	l.outside.run(t, "ip route add default via 198.51.100.1")
	l.web.run(t, "ip -6 route del default")
	p := l.probe("shop.lab.test", 9, "tcp")
	for resolv, want := range map[string]struct {
		why    string
		advice []string
	}{
		"nameserver 198.51.100.2\n":                          {"name server 198.51.100.2 knows no shop.lab.test", nil},
		"nameserver 198.51.100.2\nnameserver 198.51.100.9\n": {"name server 198.51.100.2 knows no shop.lab.test", nil},
		"nameserver 198.51.100.1\n":                          {"nobody listens at the name server's address 198.51.100.1", []string{"trace the way there with --udp: 198.51.100.1:53"}},
		"nameserver fd13::53\n":                              {"there is no route to name server fd13::53", []string{"trace the way there with --udp: [fd13::53]:53"}},
		"nameserver 198.51.100.9\n":                          {"name server 198.51.100.9 doesn't answer within 2s", []string{"trace the way there with --udp: 198.51.100.9:53"}},
		"nameserver 10.118.0.3\n":                            {"name server 10.118.0.3 answers SERVFAIL", nil},
		"search lab.test\n":                                  {"/etc/resolv.conf names no server", nil},
	} {
		p.Root = files(t, "", resolv)
		r := trace(t, p)
		require.Equal(t, Unknown, r.Result, resolv)
		require.Equal(t, "the container finds no address for shop.lab.test: "+want.why, r.Sentence)
		require.Equal(t, want.advice, r.Advice, resolv)
		require.Equal(t, []Hop{{Way: Out, Where: inContainer, What: "name", Text: "shop.lab.test: " + want.why, Ends: true}}, r.Hops)
	}
	p.Host, p.Root = "shop", files(t, "", "nameserver 198.51.100.2\n")
	require.Equal(t, []string{"a container's name is known to those that share a network with it, other than the default one"}, trace(t, p).Advice)
}

// The engine's own server, which is at this address in each container.
func aNameThatTheEngineDoesNotKnow(t *testing.T) {
	l := newLab(t)
	p := l.probe("example.org", 9, "tcp")
	p.Root = files(t, "", "nameserver 127.0.0.11\n")
	require.Equal(t, []string{"127.0.0.11 is the engine's own: it ends with the container's supervisor, which isn't there any more"}, trace(t, p).Advice)
	l.web.nameServer(t, "127.0.0.11", nil, dnsmessage.RCodeNameError)
	require.Empty(t, trace(t, p).Advice)
	l.db.nameServer(t, "127.0.0.11", nil, dnsmessage.RCodeServerFailure)
	p.NetNS = l.db.netns
	require.Equal(t, []string{"127.0.0.11 is the engine's own: it asks the servers of --dns, or the host's, and nobody at all if the container's networks are internal"}, trace(t, p).Advice)
}

func anAddressOfNoParticularLink(t *testing.T) {
	l := newLab(t)
	for _, ip := range []string{"fe80::1", "fe80::1%eth0"} {
		_, err := Run(context.Background(), l.probe(ip, 9, "tcp"))
		require.EqualError(t, err, "trace "+ip+": "+ip+" is an address of each link there is: give one that is known beyond a link")
	}
}

// nameServer answers for these names, and for others with an error.
func (p *place) nameServer(t *testing.T, address string, known map[string][4]byte, otherwise dnsmessage.RCode) {
	var socket net.PacketConn
	p.do(func() {
		var err error
		socket, err = net.ListenPacket("udp4", address+":53")
		require.NoError(t, err)
	})
	t.Cleanup(func() { socket.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for n, from, err := socket.ReadFrom(buffer); err == nil; n, from, err = socket.ReadFrom(buffer) {
			var message dnsmessage.Message
			if message.Unpack(buffer[:n]) != nil {
				continue
			}
			message.Response, message.RCode = true, otherwise
			question := message.Questions[0]
			if ip, is := known[question.Name.String()]; is {
				message.RCode = dnsmessage.RCodeSuccess
				if question.Type == dnsmessage.TypeA {
					message.Answers = []dnsmessage.Resource{{
						Header: dnsmessage.ResourceHeader{Name: question.Name, Type: question.Type, Class: question.Class},
						Body:   &dnsmessage.AResource{A: ip},
					}}
				}
			}
			if answer, err := message.Pack(); err == nil {
				_, _ = socket.WriteTo(answer, from)
			}
		}
	}()
}
