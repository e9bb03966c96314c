package network

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage06-network/resolvconf"
)

func TestPastaForwardsNoPortsButThoseAskedFor(t *testing.T) {
	n := Network{}
	require.Equal(t, []string{"--tcp-ports", "none"}, n.pastaPorts("--tcp-ports", TCP))
	for _, flag := range []string{"8080:80", "127.0.0.1:8081-8082:81-82", "[::1]:53:53/udp"} {
		ports, err := ParsePort(flag)
		require.NoError(t, err)
		n.Ports = append(n.Ports, ports...)
	}
	require.Equal(t, "-t 8080:80 -t 127.0.0.1/8081:81 -t 127.0.0.1/8082:82", strings.Join(n.pastaPorts("-t", TCP), " "))
	require.Equal(t, "-u ::1/53:53", strings.Join(n.pastaPorts("-u", UDP), " "))
}

// Pasta of 2023 doesn't know the flag.
func TestPastaIsAskedForTheHostOnlyWhereTheHostIsNamed(t *testing.T) {
	n := Network{Hosts: []ExtraHost{{Name: "other", IP: netip.MustParseAddr("192.0.2.1")}}}
	require.Empty(t, n.pastaHost())
	n.Hosts = append(n.Hosts, ExtraHost{Name: "host"})
	require.Equal(t, []string{"--map-guest-addr", pastaHost.String()}, n.pastaHost())
}

func TestWithoutRootALocalNameServerIsAskedByTheProgram(t *testing.T) {
	local := resolvconf.File{Servers: []netip.Addr{netip.MustParseAddr("127.0.0.53")}}
	wide := resolvconf.File{Servers: []netip.Addr{netip.MustParseAddr("192.0.2.53")}}
	for mode, forwarder := range map[Mode]netip.Addr{Pasta: pastaDNS, Slirp4netns: slirpDNS} {
		n := Network{Mode: mode}
		require.Equal(t, []netip.Addr{forwarder}, n.adopt(local, wide).Servers, "what stands behind the cache may know less")
		require.Equal(t, []netip.Addr{forwarder}, n.adopt(resolvconf.File{}, resolvconf.File{}).Servers)
		require.Equal(t, wide.Servers, n.adopt(wide, local).Servers)
	}
}

func TestAProgramsLastWordsAreOneLine(t *testing.T) {
	require.Equal(t, "no such interface; giving up", lastWords("no such interface\nFailed to send 18 bytes to syslog\n\n giving up\nUsage: pasta [OPTION]\n  -d\n"))
	var said complaints
	for range 3 {
		n, err := said.Write(make([]byte, 3000))
		require.NoError(t, err)
		require.Equal(t, 3000, n)
	}
	require.Len(t, said.text, 4096)
}

func TestAProgramsNetworkIsForAUserNamespaceWithFiles(t *testing.T) {
	s := valid()
	s.Network.Mode, s.Network.Endpoints = Pasta, nil
	require.ErrorContains(t, s.Validate(), "network pasta: it is for users without root")
	require.Nil(t, namespaces.Undo(Connect(s, &namespaces.Process{})), "nothing was started")
}
