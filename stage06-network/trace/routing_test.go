package trace

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Routes can be there to refuse packets, and rules can choose among tables of
// them.
func TestWhichRouteRefuses(t *testing.T) {
	everyLab(t, []report{
		{"a mark leads to another table", aMarkLeadsToAnotherTable},
		{"a route of the host refuses", aRouteOfTheHostRefuses},
		{"a route of the container refuses", aRouteOfTheContainerRefuses},
		{"a link forwards nothing", aLinkForwardsNothing},
		{"a source that nobody may have", aSourceThatNobodyMayHave},
	})
}

func aMarkLeadsToAnotherTable(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade+`table inet marks { chain prerouting {
		type filter hook prerouting priority mangle; iifname "cooper0" tcp dport 7-8 meta mark set 9; }; }`)
	var host *place
	host.run(t, "ip rule add fwmark 9 lookup 99\nip route add blackhole default table 99")
	t.Cleanup(func() { host.run(t, "ip rule del fwmark 9") })
	t.Cleanup(func() { host.run(t, "ip route flush table 99") })
	l.outside.serve(t, ":7")
	r := trace(t, l.probe("198.51.100.2", 7, "tcp"))
	require.Equal(t, "given up by the host: 198.51.100.2: a route throws it away, or its source is impossible", r.Sentence)
	require.Equal(t, []string{
		"`ip route get 198.51.100.2 from 10.118.0.2 iif cooper0 mark 0x9` asks for it",
		"`ip route show table all type blackhole` shows such routes",
	}, r.Advice)

	host.run(t, "ip route replace default via 198.51.100.2 dev up0 table 99")
	r = trace(t, l.probe("198.51.100.2", 7, "tcp"))
	require.Equal(t, Answered, r.Result)
	require.Contains(t, r.Hops, Hop{Way: Out, Where: onHost, What: "route", Text: "198.51.100.2 via 198.51.100.2 dev up0 by its mark 0x9"})
}

// refusals are the kinds of such routes, and how a report tells of them.
var refusals = map[string]string{
	"blackhole":   "a route throws it away, or its source is impossible",
	"unreachable": "a route says that nobody reaches it",
	"prohibit":    "a route prohibits it",
}

func aRouteOfTheHostRefuses(t *testing.T) {
	l := newLab(t)
	var host *place
	for kind, text := range refusals {
		host.run(t, "ip route add "+kind+" 203.0.113.0/24")
		t.Cleanup(func() { host.run(t, "ip route flush 203.0.113.0/24") })
		r := trace(t, l.probe("203.0.113.9", 7, "tcp"))
		require.Equal(t, "given up by the host: 203.0.113.9: "+text, r.Sentence)
		require.Equal(t, "`ip route show table all type "+kind+"` shows such routes", r.Advice[1])
		host.run(t, "ip route del "+kind+" 203.0.113.0/24")
	}
}

func aRouteOfTheContainerRefuses(t *testing.T) {
	l := newLab(t)
	for kind, text := range refusals {
		l.web.run(t, "ip route add "+kind+" 203.0.113.0/24")
		r := trace(t, l.probe("203.0.113.9", 7, "tcp"))
		require.Equal(t, "no route to 203.0.113.9 from the container: "+text, r.Sentence)
		require.Equal(t, []string{"`ip route show table all type " + kind + "` shows such routes"}, r.Advice)
		l.web.run(t, "ip route del "+kind+" 203.0.113.0/24")
	}
}

func aLinkForwardsNothing(t *testing.T) {
	l := newLab(t)
	sysctlIs(t, "ipv4/conf/cooper0/forwarding", "0")
	r := trace(t, l.probe("198.51.100.2", 7, "tcp"))
	require.Equal(t, "dropped by the host, which forwards nothing: net.ipv4.conf.cooper0.forwarding is 0", r.Sentence)
	require.Equal(t, []string{"switch forwarding on: sysctl -w net.ipv4.conf.cooper0.forwarding=1"}, r.Advice)
}

// A martian, as the kernel calls it: the host's own address for a sender.
func aSourceThatNobodyMayHave(t *testing.T) {
	l := newLab(t)
	l.web.run(t, "ip addr add 198.51.100.1/32 dev eth0\nip route replace default via 10.118.0.1 src 198.51.100.1")
	l.web.run(t, "ip neigh replace 10.118.0.1 lladdr "+hardware(t, "cooper0")+" dev eth0 nud permanent")
	r := trace(t, l.probe("198.51.100.2", 7, "tcp"))
	require.Equal(t, "given up by the host: 198.51.100.2: a route throws it away, or its source is impossible", r.Sentence)
}
