package cli

import (
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPortsAreExposedPublishedAndFound(t *testing.T) {
	h := newHostApart(t)
	h.ok("run", "-d", "--name", "first", "-p", "8000-8010:80", "--expose", "70-71/udp", "base", "sleep", "1000")
	h.ok("run", "-d", "--name", "second", "-p", "8000-8010:80", "-p", "127.0.0.1:9000:9000/udp", "base", "sleep", "1000")
	require.Equal(t, "second 0.0.0.0:8001->80/tcp, [::]:8001->80/tcp, 127.0.0.1:9000->9000/udp\nfirst 70-71/udp, 0.0.0.0:8000->80/tcp, [::]:8000->80/tcp",
		strings.ReplaceAll(h.ok("ps", "--format", "{{.Names}} {{.Ports}}"), "127.0.0.1:9000->9000/udp, 0.0.0.0:8001->80/tcp, [::]:8001->80/tcp",
			"0.0.0.0:8001->80/tcp, [::]:8001->80/tcp, 127.0.0.1:9000->9000/udp"))
	require.Equal(t, "80/tcp -> 0.0.0.0:8001\n80/tcp -> [::]:8001\n9000/udp -> 127.0.0.1:9000", h.ok("port", "second"))
	require.Equal(t, "0.0.0.0:8000\n[::]:8000", h.ok("port", "first", "80"))
	require.Equal(t, "127.0.0.1:9000", h.ok("port", "second", "9000/udp"))
	require.Equal(t, result{1, "", "cooper: no public port '9000/tcp' published for second\n"}, h.cooper("port", "second", "9000"))
	require.Equal(t, "map[80/tcp:[{ 8000-8010}]] map[70/udp:{} 71/udp:{} 80/tcp:{}]",
		h.ok("inspect", "-f", "{{.HostConfig.PortBindings}} {{.Config.ExposedPorts}}", "first"))

	h.ok("commit", "-c", "EXPOSE 443 53/udp", "first", "exposing")
	h.ok("run", "-d", "--name", "all", "-P", "-p", "8443:443", "exposing")
	ports := h.ok("port", "all")
	for _, line := range []string{`(?m)^443/tcp -> 0\.0\.0\.0:8443$`, `(?m)^53/udp -> \[::\]:\d+$`, `(?m)^70/udp -> `, `(?m)^71/udp -> `, `(?m)^80/tcp -> `} {
		require.Regexp(t, line, ports)
	}
	require.Len(t, strings.Split(ports, "\n"), 10)
	require.Equal(t, "true", h.ok("inspect", "-f", "{{.HostConfig.PublishAllPorts}}", "all"))

	for filter, want := range map[string]string{
		"publish=8000": "first", "publish=8000-8001": "second first", "publish=9000": "", "publish=9000/udp": "second",
		"expose=80": "all second first", "expose=70/udp": "all first", "expose=440-450": "all", "network=bridge": "all second first",
		"network=nosuch": "", "network=" + h.ok("network", "ls", "-qf", "name=bridge"): "all second first",
		"name=sec name=all": "all second", "status=exited": "", "status=running": "all second first", "label=x": "",
		"id=" + h.ok("ps", "-qf", "name=first"): "first",
	} {
		line := []string{"ps", "--format", "{{.Names}}"}
		for one := range strings.FieldsSeq(filter) {
			line = append(line, "-f", one)
		}
		require.Equal(t, want, strings.Join(strings.Fields(h.ok(line...)), " "), filter)
	}
	for _, wrong := range []string{"expose=frob", "publish=0", "status=frob", "frob=x", "name"} {
		require.Equal(t, 1, h.cooper("ps", "--filter", wrong).code, wrong)
	}
	h.ok("rm", "-f", "all", "first", "second")
	h.ok("rmi", "exposing")
}

func TestPortsOfANetworkThatHasNoneAreDropped(t *testing.T) {
	h := newHostApart(t)
	for _, mode := range []string{"host", "none"} {
		r := h.cooper("run", "--rm", "--network", mode, "-p", "80:80", "base", "true")
		require.Equal(t, result{0, "", "WARNING: Published ports are discarded when using " + mode + " network mode\n"}, r)
	}
}

func TestNamesAreLookedUpAsTheLineSays(t *testing.T) {
	h := newHostApart(t)
	out := h.ok("run", "--rm", "--dns", "192.0.2.53", "--dns-search", "example.org", "--dns-opt", "ndots:5", "--dns-option", "timeout:1",
		"--add-host", "here:host-gateway", "--add-host", "there=192.0.2.9", "-h", "web", "--domainname", "shop", "base", "cat", "/etc/resolv.conf", "/etc/hosts")
	gateway := h.ok("network", "inspect", "-f", "{{with index .IPAM.Config 0}}{{.Gateway}}{{end}}", "bridge")
	for _, line := range []string{"nameserver 192.0.2.53\n", "search example.org\n", "options ndots:5 timeout:1\n", gateway + "\there\n", "192.0.2.9\tthere\n",
		netip.MustParseAddr(gateway).Next().String() + "\tweb.shop web\n"} {
		require.Contains(t, out+"\n", line)
	}
	require.Contains(t, h.ok("run", "--rm", "--hostname", "web.shop", "base", "cat", "/etc/hosts"), "\tweb.shop web")
	require.NotContains(t, h.ok("run", "--rm", "--dns-search", ".", "base", "cat", "/etc/resolv.conf"), "search")
}

func TestWhoHasTheHostsNetworkHasItsName(t *testing.T) {
	h := newHostApart(t)
	name, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, name, h.ok("run", "--rm", "--network", "host", "base", "hostname"))
	require.Equal(t, "own", h.ok("run", "--rm", "--network", "host", "-h", "own", "base", "hostname"))
	require.Regexp(t, "^[0-9a-f]{12}$", h.ok("run", "--rm", "--network", "none", "base", "hostname"))
}
