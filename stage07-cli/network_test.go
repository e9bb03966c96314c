package cli

import (
	"encoding/json"
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
	two := h.ok("network", "create", "--subnet", "10.10.0.0/16,fd10::/64", "--gateway=10.10.0.9,fd10::9", "two")
	require.Equal(t, "10.10.0.9 fd10::9", h.ok("network", "inspect", "--verbose", "-f", "{{range .IPAM.Config}}{{.Gateway}} {{end}}", two[:9]))
	h.ok("network", "rm", "two")
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

	// What scripts ask to find out whether it is on a network.
	require.Equal(t, "null "+id, h.ok("inspect", "-f", "{{json .NetworkSettings.Networks.later}} {{.ID}}", "web"))
	require.Equal(t, "", h.ok("inspect", "-f", `{{index .Config.Labels "nosuch"}}`, "web"))
	require.Equal(t, id, h.ok("inspect", "-f", "{{.Id}}", "web"))
	require.Contains(t, h.cooper("inspect", "-f", "{{.NoSuch}}", "web").stderr, `map has no entry for key "NoSuch"`)

	h.ok("network", "connect", "--ip", "10.23.0.7", "--ip6", "fd23::7", "--alias", "a,b", "later", "web")
	require.Equal(t, "[a b]", h.ok("inspect", "-f", "{{.NetworkSettings.Networks.later.Aliases}}", "web"))
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
	h.ok("network", "rm", "shop")
	h.ok("network", "disconnect", "backend", "web")
	h.ok("start", "web")
	require.NotEmpty(t, places("later"))
	require.Equal(t, "", places("backend"))
	require.Contains(t, h.ok("exec", "web", "ip", "link"), "eth0", "the others have gone since")
	h.ok("rm", "-f", "web")
	require.Equal(t, "", places("later"))
}

// From an internal network there is no way out, and no port can lead in.
func TestAContainerOnAnInternalNetworkAloneIsConnectedToMore(t *testing.T) {
	h := newHostApart(t)
	h.ok("network", "create", "--internal", "--subnet", "10.21.0.0/16", "vault")
	h.ok("network", "create", "--subnet", "10.22.0.0/16", "shop")
	h.ok("run", "-d", "--name", "web", "--network", "vault", "base", "sleep", "1000")
	require.Equal(t, "10.21.0.2 16 02:00:0a:15:00:02", h.ok("inspect", "-f", "{{with .NetworkSettings.Networks.vault}}{{.IPAddress}} {{.IPPrefixLen}} {{.MacAddress}}{{end}}", "web"))
	h.ok("network", "connect", "shop", "web")
	addresses := h.ok("exec", "web", "ip", "-o", "-4", "addr")
	require.Contains(t, addresses, "eth0    inet 10.21.0.2/16")
	require.Contains(t, addresses, "eth1    inet 10.22.0.2/16")
	require.Contains(t, h.ok("exec", "web", "ip", "route"), "default via 10.22.0.1 ")
}

func TestTheNetworkWithTheHighestPriorityIsTheWayOut(t *testing.T) {
	h := newHostApart(t)
	for i, name := range []string{"shop", "backend", "later"} {
		h.ok("network", "create", "--subnet", "10.2"+string(rune('1'+i))+".0.0/16", name)
	}
	h.ok("run", "-d", "--name", "web", "--network", "shop", "--network", "name=backend,gw-priority=1", "base", "sleep", "1000")
	wayOut := func() string { return h.ok("exec", "web", "ip", "route", "show", "default") }
	require.Contains(t, wayOut(), "via 10.22.0.1 ")
	h.ok("network", "connect", "later", "web")
	require.Contains(t, wayOut(), "via 10.22.0.1 ")
	h.ok("network", "disconnect", "later", "web")
	h.ok("network", "connect", "--gw-priority", "2", "later", "web")
	require.Contains(t, wayOut(), "via 10.23.0.1 ")
	require.Equal(t, "2", h.ok("inspect", "-f", "{{.NetworkSettings.Networks.later.GwPriority}}", "web"))
	h.ok("network", "disconnect", "later", "web")
	require.Contains(t, wayOut(), "via 10.22.0.1 ")
	require.Equal(t, 125, h.cooper("network", "connect", "--gw-priority", "high", "later", "web").code)
}

// As with Docker, a container that doesn't run holds no network, and has to be
// taken off one that is gone.
func TestAContainerIsTakenOffANetworkThatIsGone(t *testing.T) {
	h := newHostApart(t)
	h.ok("network", "create", "shop")
	h.ok("create", "--name", "web", "--network", "shop", "base", "sleep", "1000")
	h.ok("network", "rm", "shop")
	r := h.cooper("start", "web")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "network shop not found")
	require.Contains(t, h.cooper("network", "disconnect", "other", "web").stderr, "network other not found")
	h.ok("network", "disconnect", "shop", "web")
	h.ok("start", "web")
	require.NotContains(t, h.ok("exec", "web", "ip", "addr"), "eth0")
	h.ok("network", "connect", "bridge", "web")
	require.Contains(t, h.ok("exec", "web", "ip", "addr"), "eth0")
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
