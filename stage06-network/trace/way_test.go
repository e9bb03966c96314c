package trace

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cooper/stage01-namespaces/notrace"
)

// These have no rule that drops: routes, neighbours, services.
func TestWhereThePacketGoes(t *testing.T) {
	everyLab(t, []report{
		{"there is no route out of an internal network", thereIsNoRouteOutOfAnInternalNetwork},
		{"the host forwards nothing", theHostForwardsNothing},
		{"the host has no route", theHostHasNoRoute},
		{"a neighbour of the host is not there", aNeighbourOfTheHostIsNotThere},
		{"a neighbour of the container is not there", aNeighbourOfTheContainerIsNotThere},
		{"nobody listens", nobodyListens},
		{"UDP is answered or not", uDPIsAnsweredOrNot},
		{"a published port leads to another container", aPublishedPortLeadsToAnotherContainer},
		{"two containers of a bridge", twoContainersOfABridge},
		{"two containers of a bridge that the rules don't see", bridgedPastTheRules},
		{"isolated ports", isolatedPorts},
		{"a source that can't come from there", anImpossibleSource},
		{"echoes", echoes},
		{"IPv6", iPv6},
		{"a container on the host's network", aContainerOnTheHostsNetwork},
		{"the container's own address", theContainersOwnAddress},
		{"macvlan passes the host by", macvlanPassesTheHostBy},
		{"legacy rules are found by their counters", legacyRulesAreFoundByTheirCounters},
	})
}

func thereIsNoRouteOutOfAnInternalNetwork(t *testing.T) {
	l := newLab(t)
	l.web.run(t, "ip route del default")
	requireReport(t, "no-route", trace(t, l.probe("198.51.100.2", 7, "tcp")))
}

func theHostForwardsNothing(t *testing.T) {
	l := newLab(t)
	sysctlIs(t, "ipv4/ip_forward", "0")
	requireReport(t, "ip-forward", trace(t, l.probe("198.51.100.2", 7, "tcp")))
}

func theHostHasNoRoute(t *testing.T) {
	l := newLab(t)
	requireReport(t, "host-route", trace(t, l.probe("203.0.113.9", 7, "tcp")))
}

func aNeighbourOfTheHostIsNotThere(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade)
	requireReport(t, "no-neighbour", trace(t, l.probe("198.51.100.9", 7, "tcp")))
}

func aNeighbourOfTheContainerIsNotThere(t *testing.T) {
	l := newLab(t)
	requireReport(t, "no-container", trace(t, l.probe("10.118.0.9", 7, "tcp")))
}

func nobodyListens(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade)
	r := trace(t, l.probe("198.51.100.2", 9, "tcp"))
	require.Equal(t, Refused, r.Result)
	requireReport(t, "refused-tcp", r)
	requireReport(t, "refused-udp", trace(t, l.probe("198.51.100.2", 9, "udp")))
}

func uDPIsAnsweredOrNot(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade)
	l.outside.serve(t, ":7")
	require.Equal(t, Answered, trace(t, l.probe("198.51.100.2", 7, "udp")).Result)
	l.outside.do(func() {
		nft(t, `table ip mute { chain input { type filter hook input priority 0; udp dport 7 drop; }; }`)
	})
	t.Cleanup(func() { l.outside.run(t, "nft flush ruleset") })
	requireReport(t, "silent-udp", trace(t, l.probe("198.51.100.2", 7, "udp")))
}

func aPublishedPortLeadsToAnotherContainer(t *testing.T) {
	l := newLab(t)
	nft(t, `table ip lab {
		map published {
			type inet_proto . inet_service : ipv4_addr . inet_service
			elements = { tcp . 8080 : 10.118.0.3 . 80 }
		}
		chain prerouting {
			type nat hook prerouting priority dstnat; policy accept;
			fib daddr type local dnat to meta l4proto . th dport map @published
		}
		chain postrouting {
			type nat hook postrouting priority srcnat; policy accept;
			ip saddr 10.118.0.0/24 oifname "cooper0" ct status dnat masquerade
		}
	}`)
	l.db.serve(t, ":80")
	r := trace(t, l.probe("198.51.100.1", 8080, "tcp"))
	require.Equal(t, Answered, r.Result)
	requireReport(t, "published", r)
}

func twoContainersOfABridge(t *testing.T) {
	l := newLab(t)
	l.db.serve(t, ":80")
	requireReport(t, "bridged", trace(t, l.probe("10.118.0.3", 80, "tcp")))
}

func bridgedPastTheRules(t *testing.T) {
	l := newLab(t)
	sysctlIs(t, "bridge/bridge-nf-call-iptables", "0")
	l.db.serve(t, ":80")
	requireReport(t, "bridge-alone", trace(t, l.probe("10.118.0.3", 80, "tcp")))
	require.Equal(t, Refused, trace(t, l.probe("10.118.0.3", 81, "tcp")).Result)
}

func isolatedPorts(t *testing.T) {
	notrace.NeedTool(t, "bridge")
	l := newLab(t)
	var host *place
	host.run(t, "bridge link set dev veth0 isolated on\nbridge link set dev veth1 isolated on")
	r := trace(t, l.probe("10.118.0.3", 80, "tcp"))
	require.Equal(t, Unreachable, r.Result)
	require.Equal(t, []string{"port veth0 of bridge cooper0 is isolated: the containers of this network don't reach one another"}, r.Advice)
	l.web.run(t, "ip neigh replace 10.118.0.3 lladdr 02:00:0a:76:00:03 dev eth0 nud permanent")
	require.Equal(t, "lost in bridge cooper0, which has no port for it", trace(t, l.probe("10.118.0.3", 80, "tcp")).Sentence)
}

func anImpossibleSource(t *testing.T) {
	l := newLab(t)
	sysctlIs(t, "ipv4/conf/cooper0/rp_filter", "1")
	var host *place
	host.run(t, "ip route add 10.99.0.0/24 dev up0")
	l.web.run(t, "ip addr add 10.99.0.2/32 dev eth0\nip route replace default via 10.118.0.1 src 10.99.0.2")
	l.web.run(t, "ip neigh replace 10.118.0.1 lladdr "+hardware(t, "cooper0")+" dev eth0 nud permanent") // it isn't told otherwise, either
	r := trace(t, l.probe("198.51.100.2", 7, "tcp"))
	require.Equal(t, Dropped, r.Result)
	require.Equal(t, "dropped by the host: its route to 10.99.0.2 isn't by cooper0, where the packet came from (rp_filter)", r.Sentence)
}

func echoes(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade)
	requireReport(t, "ping", trace(t, l.probe("198.51.100.2", 0, "")))
	requireReport(t, "ping6", trace(t, l.probe("fd12::1", 0, "")))
}

func iPv6(t *testing.T) {
	l := newLab(t)
	l.db.serve(t, "[::]:80")
	requireReport(t, "ipv6", trace(t, l.probe("fd12::3", 80, "tcp")))
	require.Equal(t, Refused, trace(t, l.probe("fd12::1", 81, "tcp")).Result)
}

func aContainerOnTheHostsNetwork(t *testing.T) {
	l := newLab(t)
	l.outside.serve(t, ":7")
	p := l.probe("198.51.100.2", 7, "tcp")
	p.NetNS = "/proc/thread-self/ns/net"
	requireReport(t, "host-network", trace(t, p))
}

func theContainersOwnAddress(t *testing.T) {
	l := newLab(t)
	l.web.serve(t, ":80")
	requireReport(t, "own-address", trace(t, l.probe("127.0.0.1", 80, "tcp")))
}

func macvlanPassesTheHostBy(t *testing.T) {
	l := newLab(t)
	var host *place
	host.run(t, "ip link add link up0 name mv0 type macvlan mode bridge\nip link set mv0 netns "+l.web.thread()+" name eth1")
	l.web.run(t, "ip addr add 198.51.100.7/24 dev eth1\nip link set eth1 up")
	l.outside.serve(t, ":7")
	requireReport(t, "macvlan", trace(t, l.probe("198.51.100.2", 7, "tcp")))
}

func legacyRulesAreFoundByTheirCounters(t *testing.T) {
	notrace.NeedTool(t, "iptables-legacy")
	l := newLab(t)
	nft(t, masquerade)
	var host *place
	host.run(t, "iptables-legacy -P FORWARD DROP")
	t.Cleanup(func() { host.run(t, "iptables-legacy -P FORWARD ACCEPT\niptables-legacy -F\niptables-legacy -X") })
	requireReport(t, "legacy-policy", trace(t, l.probe("198.51.100.2", 7, "tcp")))

	host.run(t, `iptables-legacy -P FORWARD ACCEPT
		iptables-legacy -N FIREWALL
		iptables-legacy -A FORWARD -j FIREWALL
		iptables-legacy -A FIREWALL -i up0 -j DROP
		iptables-legacy -A FIREWALL -o up0 -p tcp --dport 7 -j DROP`)
	requireReport(t, "legacy-rule", trace(t, l.probe("198.51.100.2", 7, "tcp")))

	host.run(t, `iptables-legacy -F
		iptables-legacy -t raw -A PREROUTING -i cooper0 -p tcp --dport 8 -j DROP
		iptables-legacy -A FORWARD -i up0 -j DROP
		iptables-legacy -A FORWARD -o up0 -p tcp --dport 9 -j REJECT`)
	t.Cleanup(func() { host.run(t, "iptables-legacy -t raw -F") })
	require.Equal(t, "dropped by rule 1 of chain PREROUTING in iptables-legacy's table raw, on the host", trace(t, l.probe("198.51.100.2", 8, "tcp")).Sentence)
	require.Equal(t, "dropped by rule 2 of chain FORWARD in iptables-legacy's table filter, on the host", trace(t, l.probe("198.51.100.2", 9, "tcp")).Sentence)
	l.outside.serve(t, ":7")
	require.Equal(t, "delivered, but the answer was dropped by rule 1 of chain FORWARD in iptables-legacy's table filter, on the host", trace(t, l.probe("198.51.100.2", 7, "tcp")).Sentence)
}
