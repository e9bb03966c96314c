package cli

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestANetworkIsMadeListedInspectedAndRemoved(t *testing.T) {
	h := newHostApart(t)
	id := h.ok("network", "create", "shop", "--subnet", "10.9.0.0/16", "--ip-range=10.9.5.0/24", "--gateway", "10.9.0.9", "--aux-address", "me=10.9.5.1",
		"--label", "a=b", "--label", "c", "--internal", "-o", "com.docker.network.driver.mtu=1400", "--attachable")
	require.Regexp(t, `^[0-9a-f]{64}$`, id)
	six := h.ok("network", "create", "--ipv6", "--subnet", "fd12::/64", "-d", "bridge", "six")
	require.Equal(t, "NETWORK ID     NAME      DRIVER    SCOPE\n"+
		h.ok("network", "ls", "-qf", "name=^bridge$")+"   bridge    bridge    local\n"+
		h.ok("network", "ls", "-qf", "driver=host")+"   host      host      local\n"+
		h.ok("network", "ls", "-qf", "driver=null")+"   none      null      local\n"+
		id[:12]+"   shop      bridge    local\n"+
		six[:12]+"   six       bridge    local", h.ok("network", "ls"))
	require.Equal(t, id+"\n"+six, h.ok("network", "list", "--no-trunc", "-q", "--filter", "type=custom"))
	require.Equal(t, "shop true false a=b,c=\nsix false true",
		h.ok("network", "ls", "--format", "{{.Name}} {{.Internal}} {{.IPv6}} {{.Labels}}", "--filter", "name=s", "--filter", "type=custom"))

	var all []map[string]any
	require.NoError(t, json.Unmarshal([]byte(h.ok("network", "inspect", "shop", id[:5])), &all))
	require.Equal(t, all[0], all[1])
	shop := all[0]
	link := shop["Link"].(string)
	require.Regexp(t, `^cooper-[0-9a-f]{8}$`, link)
	delete(shop, "Created")
	require.Equal(t, map[string]any{
		"Name": "shop", "Id": id, "Scope": "local", "Driver": "bridge", "Link": link, "EnableIPv4": true, "EnableIPv6": false,
		"IPAM": map[string]any{"Driver": "default", "Options": map[string]any{}, "Config": []any{map[string]any{
			"Subnet": "10.9.0.0/16", "IPRange": "10.9.5.0/24", "Gateway": "10.9.0.9", "AuxiliaryAddresses": map[string]any{"me": "10.9.5.1"},
		}}},
		"Internal": true, "Attachable": false, "Ingress": false, "ConfigFrom": map[string]any{"Network": ""}, "ConfigOnly": false,
		"Containers": map[string]any{}, "Options": map[string]any{"com.docker.network.driver.mtu": "1400"}, "Labels": map[string]any{"a": "b", "c": ""},
	}, shop)
	require.Equal(t, "fd12::/64 fd12::1", h.ok("inspect", "-f", "{{with index .IPAM.Config 1}}{{.Subnet}} {{.Gateway}}{{end}}", "six"))
	require.Equal(t, "none null []", h.ok("inspect", "--type", "network", "-f", "{{.Name}} {{.Driver}} {{.IPAM.Config}}", "none"))

	r := h.cooper("network", "inspect", "nosuch", "shop", "-f", "{{.Name}}")
	require.Equal(t, result{1, "shop\n", "cooper: network nosuch not found\n"}, r)
	r = h.cooper("network", "rm", "nosuch", "shop")
	require.Equal(t, result{1, "shop\n", "cooper: network nosuch not found\n"}, r)
	require.Equal(t, result{0, "", ""}, h.cooper("network", "remove", "-f", "shop"))
	h.ok("network", "rm", six[:6])
	require.Equal(t, "", h.ok("network", "ls", "-q", "--filter", "type=custom"))
}

func TestNetworksAreChosenByFilters(t *testing.T) {
	h := newHostApart(t)
	h.ok("network", "create", "--label", "a=b", "n1")
	h.ok("network", "create", "--label", "a=c", "n2")
	h.ok("run", "-d", "--name", "web", "--network", "n2", "base", "sleep", "1000")
	id := h.ok("network", "ls", "-q", "--no-trunc", "--filter", "name=n1")
	for filter, want := range map[string]string{
		"":                          "bridge host n1 n2 none",
		"name=n":                    "n1 n2 none",
		"name=n1 name=n2":           "n1 n2",
		"name=^n":                   "n1 n2 none",
		"name=[":                    "",
		"id=" + id[:9]:              "n1",
		"driver=host driver=null":   "host none",
		"type=builtin":              "bridge host none",
		"type=custom type=builtin":  "bridge host n1 n2 none",
		"label=a":                   "n1 n2",
		"label=a=b":                 "n1",
		"label=a label=a=c":         "n2",
		"label!=a=b type=custom":    "n2",
		"dangling=true":             "n1",
		"dangling=false":            "bridge host n2 none",
		"scope=local type=custom":   "n1 n2",
		"scope=swarm":               "",
		"driver=bridge type=custom": "n1 n2",
	} {
		line := []string{"network", "ls", "--format", "{{.Name}}"}
		for one := range strings.FieldsSeq(filter) {
			line = append(line, "--filter", one)
		}
		require.Equal(t, want, strings.Join(strings.Fields(h.ok(line...)), " "), filter)
	}
	for _, wrong := range []string{"frob=x", "name", "type=frob", "dangling=frob", "=x", "until=1h"} {
		r := h.cooper("network", "ls", "--filter", wrong)
		require.Equal(t, 1, r.code, wrong)
		require.Contains(t, r.stderr, "cooper: filter ")
	}
}

func TestNetworksThatNobodyUsesArePruned(t *testing.T) {
	h := newHostApart(t)
	for _, name := range []string{"n1", "n2", "n3", "n4"} {
		h.ok("network", "create", "--label", "of="+name, name)
	}
	h.ok("run", "-d", "--name", "web", "--network", "n1", "base", "sleep", "1000")
	h.ok("create", "--network", "n2", "base", "true") // isn't on it before it starts
	question := "WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue? [y/N] "
	require.Equal(t, result{0, question, ""}, h.shell("echo n | "+strings.Join(h.front, " ")+" cooper network prune"))
	require.Equal(t, result{0, "", ""}, h.cooper("network", "prune", "-f", "--filter", "until=1h"))
	require.Equal(t, result{0, "Deleted Networks:\nn3\n\n", ""}, h.cooper("network", "prune", "--force", "--filter", "label=of=n3"))
	for _, wrong := range []string{"until=frob", "name=n1"} {
		require.Equal(t, 1, h.cooper("network", "prune", "-f", "--filter", wrong).code, wrong)
	}
	require.Equal(t, result{0, question + "Deleted Networks:\nn2\nn4\n\n", ""}, h.shell("echo y | "+strings.Join(h.front, " ")+" cooper network prune"))
	require.Equal(t, result{0, "", ""}, h.cooper("network", "prune", "-f"))
	require.Equal(t, "n1", h.ok("network", "ls", "--format", "{{.Name}}", "--filter", "type=custom"))
}

func TestAContainerIsOnSeveralNetworksAndComesAndGoes(t *testing.T) {
	h := newHostApart(t)
	for i, name := range []string{"shop", "backend", "later"} {
		h.ok("network", "create", "--subnet", "10.2"+string(rune('1'+i))+".0.0/16", "--subnet", "fd2"+string(rune('1'+i))+"::/64", name)
	}
	h.ok("run", "-d", "--name", "web", "--network", "name=shop,ip=10.21.0.9,alias=counter", "--network", "name=backend,ip6=fd22::9,mac-address=02:00:00:00:00:09",
		"base", "sleep", "1000")
	id := h.ok("ps", "-q", "--no-trunc")
	places := func(network string) string {
		return h.ok("network", "inspect", "-f", "{{range $id, $c := .Containers}}{{$id}} {{$c.Name}} {{$c.MacAddress}} {{$c.IPv4Address}} {{$c.IPv6Address}}{{end}}", network)
	}
	require.Equal(t, id+" web 02:00:0a:15:00:09 10.21.0.9/16 fd21::2/64", places("shop"))
	require.Equal(t, id+" web 02:00:00:00:00:09 10.22.0.2/16 fd22::9/64", places("backend"))
	require.Equal(t, "backend,shop", strings.Join(sorted(strings.ReplaceAll(h.ok("ps", "--format", "{{.Networks}}"), ",", "\n")), ","))
	require.Equal(t, "10.21.0.9 [counter]", h.ok("inspect", "-f", "{{.NetworkSettings.Networks.shop.IPAddress}} {{.NetworkSettings.Networks.shop.Aliases}}", "web"))

	h.ok("network", "connect", "--ip", "10.23.0.7", "--ip6", "fd23::7", "--alias", "a", "--alias", "b", "later", "web")
	require.Equal(t, id+" web 02:00:0a:17:00:07 10.23.0.7/16 fd23::7/64", places("later"))
	require.Contains(t, h.ok("exec", "web", "ip", "addr"), "inet 10.23.0.7/16")
	r := h.cooper("network", "rm", "later")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "has active endpoints (web)")
	h.ok("network", "disconnect", "later", "web")
	require.NotContains(t, h.ok("exec", "web", "ip", "addr"), "10.23.0.7")
	require.Equal(t, "", places("later"))

	h.ok("stop", "-t", "0", "web")
	h.ok("network", "connect", "later", "web")
	h.ok("network", "disconnect", "shop", "web")
	require.Equal(t, "", places("later"), "it will be on it when it runs")
	h.ok("start", "web")
	require.NotEmpty(t, places("later"))
	require.Equal(t, "", places("shop"))
	h.ok("rm", "-f", "web")
	require.Equal(t, "", places("later"))
}

func TestAPlaceWithoutAContainerIsGivenBackByForce(t *testing.T) {
	h := newHostApart(t)
	h.ok("network", "create", "--subnet", "10.21.0.0/16", "shop")
	id := strings.Repeat("4f", 32)
	for name, text := range map[string]string{id: "eth0 10.21.0.7 ghost", "10.21.0.7": id} {
		require.NoError(t, os.Symlink(text, filepath.Join(h.root, "networks", "shop", name)))
	}
	require.Equal(t, 1, h.cooper("network", "disconnect", "shop", "ghost").code)
	require.Equal(t, result{1, "", "cooper: endpoint other not found\n"}, h.cooper("network", "disconnect", "-f", "shop", "other"))
	h.ok("network", "disconnect", "-f", "shop", "ghost")
	require.NoFileExists(t, filepath.Join(h.root, "networks", "shop", "10.21.0.7"))
	h.ok("network", "rm", "shop")
}

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
		{[]string{"network", "inspect"}, 125, "at least one argument"},
		{[]string{"network", "inspect", "no\x1bsuch"}, 1, `network no\x1bsuch not found`},
		{[]string{"network", "connect", "shop"}, 125, "connect takes 2 arguments, not 1"},
		{[]string{"network", "connect", "shop", "web"}, 1, "the container is on it already"},
		{[]string{"network", "connect", "nosuch", "web"}, 1, "network nosuch not found"},
		{[]string{"network", "connect", "backend", "nosuch"}, 1, "No such container: nosuch"},
		{[]string{"network", "connect", "host", "web"}, 1, "the network host"},
		{[]string{"network", "connect", "backend", "alone"}, 1, "can't be beside another"},
		{[]string{"network", "connect", "--alias", "x", "bridge", "web"}, 1, "network-scoped aliases are only supported for user-defined networks"},
		{[]string{"network", "connect", "--alias", "a\nb", "backend", "web"}, 1, `alias "a\nb"`},
		{[]string{"network", "connect", "--ip", "frob", "backend", "web"}, 125, "invalid IPv4 address: frob"},
		{[]string{"network", "connect", "--ip", "1.2.3.4", "backend", "web"}, 1, "1.2.3.4 is no address for a container in "},
		{[]string{"network", "connect", "--link-local-ip", "169.254.1.1", "backend", "web"}, 125, "unknown flag: --link-local-ip"},
		{[]string{"network", "disconnect", "backend", "web"}, 1, "the container isn't on it"},
		{[]string{"network", "disconnect", "nosuch", "web"}, 1, "network nosuch not found"},
		{[]string{"network", "disconnect", "shop", "nosuch"}, 1, "No such container: nosuch"},
		{[]string{"network", "frob"}, 125, "unknown command"},
		{run("--network", "nosuch"), 125, "network nosuch not found"},
		{run("--network", "shop", "--network", "nosuch"), 125, "network nosuch not found"},
		{run("--network", "shop", "--network", shop), 125, `network "shop" is specified multiple times`},
		{run("--network", "shop", "--ip", "10.99.0.1"), 125, "10.99.0.1 is no address for a container in 10.21.0.0/16"},
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
	require.Equal(t, 1, h.cooper("port", "second", "9000").code)
	require.Equal(t, "map[80/tcp:[map[HostIp: HostPort:8000-8010]]] map[70/udp:map[] 71/udp:map[] 80/tcp:map[]]",
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
	require.NotContains(t, h.ok("run", "--rm", "--dns-search", ".", "base", "cat", "/etc/resolv.conf"), "search")
}

func TestTheShellKnowsNetworks(t *testing.T) {
	h := newHostApart(t)
	h.ok("network", "create", "shop")
	h.ok("create", "--name", "web", "--network", "shop", "base", "true")
	for line, want := range map[string]string{
		"network rm": "bridge\nhost\nnone\nshop", "network connect": "bridge\nhost\nnone\nshop", "network connect shop": "web", "network disconnect shop web": "",
	} {
		require.Equal(t, want, strings.Join(sorted(h.ok(append(words(line), "--generate-bash-completion")...)), "\n"), line)
	}
}
