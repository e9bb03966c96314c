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
	_, err := Probe{Host: "web", Protocol: "udp"}.protocol(netip.MustParseAddr("192.0.2.1"))
	require.ErrorContains(t, err, "give a port, as in web:80")
	_, err = Probe{Host: "web", Port: 80, Protocol: "sctp"}.protocol(netip.MustParseAddr("192.0.2.1"))
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
	l.nameServer(t, map[string][4]byte{"web.lab.test.": {198, 51, 100, 2}})
	l.outside.run(t, "ip route add default via 198.51.100.1")
	p := l.probe("web", 9, "tcp")
	p.Root = files(t, "", "nameserver 198.51.100.2\nsearch no.test lab.test\n")
	r := trace(t, p)
	require.Equal(t, "web.lab.test is 198.51.100.2, says name server 198.51.100.2 of /etc/resolv.conf", r.Hops[0].Text)
	require.Equal(t, Refused, r.Result)
}

func aNameThatNobodyHas(t *testing.T) {
	l := newLab(t)
	l.nameServer(t, nil)
	l.outside.run(t, "ip route add default via 198.51.100.1")
	p := l.probe("web", 9, "tcp")
	p.Root = files(t, "", "nameserver 198.51.100.2\n")
	_, err := Run(context.Background(), p)
	require.ErrorContains(t, err, "trace web: look the name up in the container: name server 198.51.100.2 knows no web")
	p.Root = files(t, "", "")
	_, err = Run(context.Background(), p)
	require.ErrorContains(t, err, "names no server")
}

// nameServer answers outside for these names, and knows no others.
func (l *lab) nameServer(t *testing.T, known map[string][4]byte) {
	var socket net.PacketConn
	l.outside.do(func() {
		var err error
		socket, err = net.ListenPacket("udp4", ":53")
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
			message.Response, message.RCode = true, dnsmessage.RCodeNameError
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
