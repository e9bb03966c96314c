package network

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	namespaces "cooper/stage01-namespaces"
	rootfs "cooper/stage03-rootfs"
	"cooper/stage06-network/resolvconf"
)

func TestTheHostsFileKnowsTheContainerAndWhatWasAsked(t *testing.T) {
	s := &Spec{}
	s.Hostname, s.Domainname = "web", "example.org"
	s.Network.Endpoints = []Endpoint{{Address: netip.MustParsePrefix("10.118.0.7/16"), Gateway: netip.MustParseAddr("10.118.0.1")}}
	for _, flag := range []string{"db:10.0.0.9", "v6=[fd00::1]", "host.docker.internal:host-gateway"} {
		host, err := ParseHost(flag)
		require.NoError(t, err)
		s.Network.Hosts = append(s.Network.Hosts, host)
	}
	require.Equal(t, strings.Join([]string{
		"127.0.0.1\tlocalhost",
		"::1\tlocalhost ip6-localhost ip6-loopback",
		"fe00::\tip6-localnet",
		"ff00::\tip6-mcastprefix",
		"ff02::1\tip6-allnodes",
		"ff02::2\tip6-allrouters",
		"10.118.0.7\tweb.example.org web",
		"10.0.0.9\tdb",
		"fd00::1\tv6",
		"10.118.0.1\thost.docker.internal",
		"",
	}, "\n"), hosts(s))
}

func TestNameServersAreThoseThatTheContainerCanReach(t *testing.T) {
	const stub = "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch corp.example\n"
	const behind = "# by systemd-resolved\nnameserver 192.0.2.53\nnameserver fd00::53\nsearch corp.example\n"
	for _, c := range []struct {
		what           string
		network        Network
		host, upstream string
		want           string
	}{
		{"the host's", Network{}, "nameserver 192.0.2.1\nnameserver 192.0.2.2\n", "", "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"},
		{"those behind the local cache", Network{}, stub, behind, "nameserver 192.0.2.53\nsearch corp.example\noptions edns0 trust-ad\n"},
		{"public ones when there are no others", Network{}, stub, "", "nameserver 8.8.8.8\nnameserver 8.8.4.4\nsearch corp.example\noptions edns0 trust-ad\n"},
		{"none for the network none", Network{Mode: None}, "nameserver ::1\n", "", ""},
		{"the host's own for the host's network", Network{Mode: Host}, stub, behind, "nameserver 127.0.0.53\nsearch corp.example\noptions edns0 trust-ad\n"},
		{"the user's above all", Network{DNS: []netip.Addr{netip.MustParseAddr("1.1.1.1")}, DNSSearch: []string{"."}, DNSOptions: []string{"ndots:2"}},
			stub, behind, "nameserver 1.1.1.1\noptions ndots:2\n"},
		{"no line is taken over raw", Network{}, "nameserver 192.0.2.1; evil\nnameserver evil\nnameserver\n\x00\n", "", "nameserver 8.8.8.8\nnameserver 8.8.4.4\n"},
	} {
		host, err := resolvconf.Read(strings.NewReader(c.host))
		require.NoError(t, err)
		upstream, err := resolvconf.Read(strings.NewReader(c.upstream))
		require.NoError(t, err)
		require.Equal(t, c.want, c.network.adopt(host, upstream).String(), c.what)
	}
}

// S53.
func TestNoNameOrAddressBringsALineOfItsOwn(t *testing.T) {
	for _, flag := range []string{"a:1.2.3.4\n6.6.6.6 bank", "a\nb:1.2.3.4", "a b:1.2.3.4", ":1.2.3.4", "a", "a:", "a:1.2.3", "-a:1.2.3.4", "a:fe80::1%eth0", "a..b:1.2.3.4"} {
		_, err := ParseHost(flag)
		require.ErrorContains(t, err, "extra host", "%q", flag)
	}
	for _, flag := range []string{"8.8.8.8\nnameserver 6.6.6.6", " 8.8.8.8", "8.8.8", "example.org", "", "010.1.1.1", "fe80::1%eth0"} {
		_, err := ParseAddress(flag)
		require.ErrorContains(t, err, "not an IP address", "%q", flag)
	}
	for _, name := range []string{"a\nb", "../../x", "", strings.Repeat("a", 65), "a b", "-a", "a..b", ".", "ä"} {
		require.ErrorContains(t, ValidateHostname(name), "host name", "%q", name)
	}
	for _, name := range []string{"web", "web-1.example.org", "my_host", strings.Repeat("a", 63), "4f1c0a"} {
		require.NoError(t, ValidateHostname(name))
	}
}

func valid() *Spec {
	s := &Spec{}
	s.Spec.Spec.Spec = rootfs.Defaults()
	s.ID, s.Args, s.Rootfs = namespaces.NewID(), []string{"true"}, "/srv/root"
	s.Network.Networks = Networks{Dir: "/var/lib/cooper/networks", Table: "cooper0"}
	s.Network.Endpoints = []Endpoint{{Network: DefaultNetwork}}
	return s
}

func TestAWrongSpecIsRefusedWithAReason(t *testing.T) {
	require.NoError(t, valid().Validate())
	for reason, spoil := range map[string]func(*Spec){
		`network "brigde": use none, host`:           func(s *Spec) { s.Network.Mode = "brigde" },
		`network "none": it can't be beside another`: func(s *Spec) { s.Network.Mode = None },
		`network "a/b": not the name`:                func(s *Spec) { s.Network.Endpoints[0].Network = "a/b" },
		`network "bridge" is specified multiple`:     func(s *Spec) { s.Network.Endpoints = append(s.Network.Endpoints, s.Network.Endpoints[0]) },
		`hardware address "x"`:                       func(s *Spec) { s.Network.Endpoints[0].MAC = "x" },
		`hardware address "01:00:00:00:00:01"`:       func(s *Spec) { s.Network.Endpoints[0].MAC = "01:00:00:00:00:01" },
		`alias "a\nb"`:                               func(s *Spec) { s.Network.Endpoints[0].Aliases = []string{"a\nb"} },
		`alias "*"`:                                  func(s *Spec) { s.Network.Endpoints[0].Aliases = []string{"*"} },
		"has no ports of its own": func(s *Spec) {
			s.Network.Mode, s.Network.Endpoints, s.Network.Ports = Host, nil, []Port{{HostPort: 1, ContainerPort: 1, Protocol: TCP}}
		},
		"no directory given for the networks":        func(s *Spec) { s.Network.Networks.Dir = "" },
		"the container isn't running":                func(s *Spec) { s.Network.Mode, s.Network.Endpoints = "container:abc", nil },
		`table "cooper0; drop": use up to 15`:        func(s *Spec) { s.Network.Networks.Table = "cooper0; drop" },
		`table "cooper0123456789": use up to 15`:     func(s *Spec) { s.Network.Networks.Table = "cooper0123456789" },
		`host name "a\nb"`:                           func(s *Spec) { s.Hostname = "a\nb" },
		`extra host "a\nb": not a host name`:         func(s *Spec) { s.Network.Hosts = []ExtraHost{{Name: "a\nb"}} },
		`search domain "a\nb"`:                       func(s *Spec) { s.Network.DNSSearch = []string{"a\nb"} },
		`resolver option "ndots:2\nnameserver 6.6.6`: func(s *Spec) { s.Network.DNSOptions = []string{"ndots:2\nnameserver 6.6.6.6"} },
	} {
		s := valid()
		spoil(s)
		require.ErrorContains(t, s.Validate(), reason)
	}
}

func TestTheFilesAreReadableInsideWhateverTheUmask(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	s := valid()
	s.Hostname, s.Network.FilesDir = "web", filepath.Join(t.TempDir(), "container")
	Configure(s)
	for range 2 { // a container is started again
		require.NoError(t, writeFiles(s, ""))
	}
	for _, name := range []string{hostsFile, hostnameFile, resolvFile} {
		info, err := os.Stat(filepath.Join(s.Network.FilesDir, name))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o644), info.Mode())
		require.Contains(t, s.Mounts, rootfs.Mount{Type: "bind", Source: filepath.Join(s.Network.FilesDir, name),
			Destination: "/etc/" + name, Options: []string{"rbind", "rprivate"}})
	}
	require.NoError(t, removeFiles(s))
	require.NoError(t, removeFiles(s), "twice")
	left, err := os.ReadDir(s.Network.FilesDir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestWhatTheUserMountsOverAFileWins(t *testing.T) {
	s := valid()
	own := rootfs.Mount{Type: "bind", Source: "/srv/hosts", Destination: "/etc/hosts"}
	s.Mounts, s.Network.FilesDir = []rootfs.Mount{own}, "/srv/c"
	Configure(s)
	Configure(s)
	require.Len(t, s.Mounts, 3)
	require.Equal(t, own, s.Mounts[0])
}

func TestTheModeDecidesTheNamespace(t *testing.T) {
	for _, c := range []struct {
		mode   Mode
		joined int
		want   []namespaces.Namespace
	}{
		{Plugged, 0, namespaces.New(namespaces.Network)},
		{None, 0, namespaces.New(namespaces.Network)},
		{Host, 0, []namespaces.Namespace{}},
		{"container:abc", 42, []namespaces.Namespace{{Kind: namespaces.Network, Path: "/proc/42/ns/net"}}},
	} {
		s := &Spec{}
		s.Namespaces = namespaces.New(namespaces.Network)
		s.Network.Mode, s.Network.Joined = c.mode, c.joined
		Configure(s)
		require.Equal(t, c.want, s.Namespaces, "%s", c.mode)
	}
}

// Whatever the host's resolv.conf holds, the container's has lines of three kinds.
func FuzzAdopt(f *testing.F) {
	for _, text := range []string{"nameserver 192.0.2.1\nsearch a b\noptions ndots:2\n", "nameserver 127.0.0.53", "domain \x00\nnameserver ::1%eth0", "options\r\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		host, err := resolvconf.Read(strings.NewReader(text))
		if err != nil {
			return // a line longer than any resolver reads
		}
		n := Network{}
		for line := range strings.Lines(n.adopt(host, resolvconf.File{}).String()) {
			word, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			require.Contains(t, []string{"nameserver", "search", "options"}, word)
			if word == "nameserver" {
				ip, err := netip.ParseAddr(rest)
				require.NoError(t, err)
				require.False(t, ip.IsLoopback())
			}
		}
	})
}

func FuzzParseHost(f *testing.F) {
	for _, flag := range []string{"a:1.2.3.4", "a=::1", "a:[fd00::1]", "a:host-gateway", "a:1.2.3.4\n6.6.6.6 b"} {
		f.Add(flag)
	}
	f.Fuzz(func(t *testing.T, flag string) {
		host, err := ParseHost(flag)
		if err != nil {
			return
		}
		s := &Spec{Network: Network{Hosts: []ExtraHost{host}}}
		require.Equal(t, 1+strings.Count(everybodysHosts, "\n"), strings.Count(hosts(s), "\n"), "one line more")
	})
}
