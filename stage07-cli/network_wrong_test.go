package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatANetworkCannotBeIsRefused(t *testing.T) {
	h := newHostApart(t)
	h.ok("network", "create", "--subnet", "10.21.0.0/16", "shop")
	h.ok("network", "create", "backend")
	h.ok("run", "-d", "--name", "web", "--network", "shop", "base", "sleep", "1000")
	h.ok("run", "-d", "--name", "alone", "--network", "none", "base", "sleep", "1000")
	h.ok("network", "connect", "backend", "web")
	h.ok("network", "disconnect", "backend", "web") // its lock stays
	shop := h.ok("network", "ls", "-qf", "name=shop")
	before := h.state()
	run := func(line ...string) []string { return append(append([]string{"run", "--rm"}, line...), "base", "true") }
	for _, c := range []struct {
		line   []string
		code   int
		stderr string
	}{
		{[]string{"network", "create"}, 125, "create takes one argument, not 0"},
		{[]string{"network", "create", "a", "b"}, 125, "create takes one argument, not 2"},
		{[]string{"network", "create", "shop"}, 1, "network with name shop already exists"},
		{[]string{"network", "create", "bridge"}, 1, "operation is not permitted on predefined bridge network"},
		{[]string{"network", "create", "none"}, 1, "operation is not permitted on predefined none network"},
		{[]string{"network", "create", "-d", "host", "hh"}, 1, `only one instance of "host" network is allowed`},
		{[]string{"network", "create", "-d", "frob", "ff"}, 1, `network driver "frob": use bridge, macvlan or ipvlan`},
		{[]string{"network", "create", "a/b"}, 1, `network name "a/b"`},
		{[]string{"network", "create", "../x"}, 1, `network name "../x"`},
		{[]string{"network", "create", "a\x1b[2J"}, 1, `network name "a\x1b[2J"`},
		{[]string{"network", "create", ""}, 1, `network name ""`},
		{[]string{"network", "create", strings.Repeat("a", 129)}, 1, "network name"},
		{[]string{"network", "create", "--subnet", "10.21.1.0/24", "x"}, 1, "choose another"},
		{[]string{"network", "create", "--subnet", "10.30.0.0/31", "x"}, 1, "use an IPv4 network of /8 to /30"},
		{[]string{"network", "create", "--subnet", "10.30.0.0/16", "--gateway", "10.31.0.1", "x"}, 1, "no matching subnet for gateway 10.31.0.1"},
		{[]string{"network", "create", "--subnet", "10.30.0.0/16", "--gateway", "10.30.255.255", "x"}, 1, "gateway 10.30.255.255"},
		{[]string{"network", "create", "-o", "frob=1", "x"}, 1, `option "frob": the driver bridge has these`},
		{[]string{"network", "create", "-o", "frob", "x"}, 125, "write KEY=VALUE"},
		{[]string{"network", "create", "--label", "", "x"}, 125, "label"},
		{[]string{"network", "rm"}, 125, "at least one argument"},
		{[]string{"network", "rm", "bridge"}, 1, "bridge is a pre-defined network and cannot be removed"},
		{[]string{"network", "rm", "shop"}, 1, "has active endpoints (web)"},
		{[]string{"network", "rm", "../shop"}, 1, "network ../shop not found"},
		{[]string{"network", "rm", "shop/"}, 1, "network shop/ not found"},
		{[]string{"network", "rm", "shop.."}, 1, "network shop.. not found"},
		{[]string{"network", "rm", "..%2fshop"}, 1, "network ..%2fshop not found"},
		{[]string{"network", "rm", ""}, 1, "not found"},
		{[]string{"network", "rm", "-x"}, 125, "unknown flag"},
		{[]string{"network", "inspect"}, 125, "at least one argument"},
		{[]string{"network", "inspect", "no\x1bsuch"}, 1, `network no\x1bsuch not found`},
		{[]string{"network", "connect", "shop"}, 125, "connect takes 2 arguments, not 1"},
		{[]string{"network", "connect", "shop", "web"}, 1, "endpoint with name web already exists in network shop"},
		{[]string{"network", "connect", "nosuch", "web"}, 1, "network nosuch not found"},
		{[]string{"network", "connect", "backend", "nosuch"}, 1, "No such container: nosuch"},
		{[]string{"network", "connect", "host", "web"}, 1, "the network host"},
		{[]string{"network", "connect", "backend", "alone"}, 1, "can't be beside another"},
		{[]string{"network", "connect", "--alias", "x", "bridge", "web"}, 1, "network-scoped aliases are only supported for user-defined networks"},
		{[]string{"network", "connect", "--alias", "a\nb", "backend", "web"}, 1, `alias "a\nb"`},
		{[]string{"network", "connect", "--ip", "frob", "backend", "web"}, 125, "invalid IPv4 address: frob"},
		{[]string{"network", "connect", "--ip", "1.2.3.4", "backend", "web"}, 1, "1.2.3.4 is no address for a container in "},
		{[]string{"network", "connect", "--link-local-ip", "169.254.1.1", "backend", "web"}, 125, "unknown flag: --link-local-ip"},
		{[]string{"network", "disconnect", "backend", "web"}, 1, "container web is not connected to network backend"},
		{[]string{"network", "disconnect", "nosuch", "web"}, 1, "network nosuch not found"},
		{[]string{"network", "disconnect", "shop", "nosuch"}, 1, "No such container: nosuch"},
		{[]string{"network", "frob"}, 125, "unknown command"},
		{run("--network", "nosuch"), 125, "network nosuch not found"},
		{run("--network", "shop", "--network", "nosuch"), 125, "network nosuch not found"},
		{run("--network", "shop", "--network", shop), 125, `network "shop" is specified multiple times`},
		{run("--network", "shop", "--ip", "10.99.0.1"), 125, "10.99.0.1 is no address for a container in 10.21.0.0/16"},
		{run("--network", "shop", "--ip6", "fd21::9"), 125, "user specified IP address fd21::9: network shop has no IPv6"},
		{[]string{"network", "connect", "--ip6", "fd21::9", "backend", "web"}, 1, "network backend has no IPv6"},
		{run("--network", "shop", "--ip", "10.21.0.2"), 125, "10.21.0.2: Address already in use"},
		{run("--network", "shop", "--network-alias", "a b"), 125, `alias "a b"`},
		{run("--network", "shop", "--mac-address", "01:00:00:00:00:01"), 125, "hardware address"},
		{run("--network", "container:web", "-h", "x"), 125, "conflicting options: hostname and the network mode"},
		{run("--network", "container:web", "--dns", "192.0.2.1"), 125, "conflicting options: dns and the network mode"},
		{run("--network", "container:web", "--add-host", "a:192.0.2.1"), 125, "conflicting options: custom host-to-IP mapping and the network mode"},
		{run("--network", "container:web", "-p", "80:80"), 125, "conflicting options: port publishing and the container type network mode"},
		{run("--network", "container:web", "-P"), 125, "conflicting options: port publishing and the container type network mode"},
		{run("--network", "container:web", "--expose", "80"), 125, "conflicting options: port exposing and the container type network mode"},
		{run("--network", "container:nosuch"), 125, "No such container: nosuch"},
		{run("--dns-search", "a b"), 125, `search domain "a b"`},
		{run("--dns-opt", ""), 125, "resolver option"},
		{run("-P", "--expose", "80/sctp"), 125, `publish all: port "80/sctp"`},
	} {
		r := h.cooper(c.line...)
		require.Equal(t, c.code, r.code, "%q: %s%s", c.line, r.stdout, r.stderr)
		require.Contains(t, r.stderr, c.stderr, "%q", c.line)
		require.NotContains(t, r.stdout+r.stderr, "\x1b", "%q", c.line)
		require.Equal(t, strings.Join(before, "\n"), strings.Join(h.state(), "\n"), "%q: %s", c.line, r.stderr)
	}
	require.NotContains(t, h.ok("exec", "web", "ip", "addr"), "eth1", "nothing of what failed is in the container")
}

func TestNoNetworkSteersTheTerminal(t *testing.T) {
	h := newHostApart(t)
	evil := "\x1b]0;owned\a\x1b[2J\u202egpj\u009b31m"
	h.ok("network", "create", "--label", "note="+evil, "shop")
	h.ok("create", "--name", "web", "--network", "shop", "base", "true")
	for _, line := range [][]string{
		{"network", "ls", "--format", "{{.Name}} {{.Labels}}"}, {"network", "ls", "--format", "json"}, {"network", "ls", "--filter", evil}, {"network", "ls", "--filter", "name=" + evil},
		{"network", "inspect", "shop"}, {"network", "inspect", "-f", "{{.Labels}}", "shop"}, {"network", "inspect", evil}, {"inspect", "-f", "{{.Labels}}", "shop"},
		{"network", "create", evil}, {"network", "create", "-d", evil, "x"}, {"network", "create", "-o", evil + "=1", "x"}, {"network", "create", "--subnet", evil, "x"},
		{"network", "create", "--subnet", "10.30.0.0/16", "--gateway", evil, "x"}, {"network", "create", "--subnet", "10.30.0.0/16", "--aux-address", evil, "x"},
		{"network", "rm", evil}, {"network", "prune", "-f", "--filter", "until=" + evil}, {"network", "connect", evil, "web"}, {"network", "connect", "shop", evil},
		{"network", "connect", "--ip", evil, "shop", "web"}, {"network", "connect", "--alias", evil, "bridge", "web"}, {"network", "disconnect", "-f", "shop", evil},
		{"run", "--network", evil, "base"}, {"run", "--network", "name=shop," + evil, "base"}, {"run", "--network", "shop", "--network-alias", evil, "base"},
		{"run", "--mac-address", evil, "base"}, {"run", "--expose", evil, "base"}, {"run", "-p", evil, "base"}, {"run", "--dns-search", evil, "base"},
		{"ps", "--filter", "publish=" + evil}, {"port", "web", evil},
	} {
		r := h.cooper(line...)
		for _, mark := range []string{"\x1b", "\a", "\u009b", "\u202e"} {
			require.NotContains(t, r.stdout+r.stderr, mark, "%q", line)
		}
	}
}
