package trace

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"cooper/stage01-namespaces/notrace"
)

// A packet can end before the first hook, or beyond the last one.
func TestWhatTheRulesDoNotSee(t *testing.T) {
	everyLab(t, []report{
		{"a rule at the cable's end", aRuleAtTheCablesEnd},
		{"a program that takes packets", aProgramThatTakesPackets},
		{"a cable or a bridge that is down", aCableOrABridgeThatIsDown},
		{"a narrow link", aNarrowLink},
		{"a firewall outside", aFirewallOutside},
		{"a circle outside", aCircleOutside},
		{"a redirect is no answer", aRedirectIsNoAnswer},
	})
}

func aRuleAtTheCablesEnd(t *testing.T) {
	l := newLab(t)
	nft(t, `table netdev early { chain guard { type filter hook ingress device veth0 priority 0; tcp dport 7 drop; }; }`)
	r := trace(t, l.probe("198.51.100.2", 7, "tcp"))
	require.Equal(t, Lost, r.Result)
	require.Equal(t, "lost between eth0 and veth0, before the first rule that can be traced", r.Sentence)
	require.Equal(t, []string{
		"`nft list chain netdev early guard` has rules for what comes in by a link",
		"`tc filter show dev veth0 ingress` and `ip -d link show veth0` (an XDP program) tell who else takes packets there",
	}, r.Advice)
}

// Nobody reads the queue.
func aProgramThatTakesPackets(t *testing.T) {
	notrace.NeedTool(t, "iptables-nft")
	l := newLab(t)
	nft(t, masquerade)
	var host *place
	host.run(t, "iptables-nft -A FORWARD -p tcp --dport 7 -j NFQUEUE --queue-num 3")
	r := trace(t, l.probe("198.51.100.2", 7, "tcp"))
	require.Equal(t, "handed to a program by a rule of chain FORWARD, table ip filter, on the host, and not given back", r.Sentence)
	require.Equal(t, "queue", r.Hops[len(r.Hops)-1].Verdict)
}

func aCableOrABridgeThatIsDown(t *testing.T) {
	l := newLab(t)
	var host *place
	for _, link := range []string{"veth0", "cooper0"} {
		host.run(t, "ip link set "+link+" down")
		r := trace(t, l.probe("198.51.100.2", 7, "tcp"))
		require.Equal(t, Unreachable, r.Result)
		require.Equal(t, []string{link + ", where the cable leads, is down: ip link set " + link + " up"}, r.Advice)
		host.run(t, "ip link set "+link+" up")
	}
}

func aNarrowLink(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade)
	l.outside.serve(t, ":7")
	var host *place
	require.Empty(t, trace(t, l.probe("198.51.100.2", 7, "tcp")).Advice)
	const advice = "if short messages pass and long ones hang: eth0 sends packets of 1500 bytes, and up0 of the host takes %s; make the network with -o com.docker.network.driver.mtu=%[1]s"
	host.run(t, "ip route add 198.51.100.2 dev up0 mtu 1280")
	require.Equal(t, []string{fmt.Sprintf(advice, "1280")}, trace(t, l.probe("198.51.100.2", 7, "tcp")).Advice)
	host.run(t, "ip route del 198.51.100.2\nip link set up0 mtu 1400")
	require.Equal(t, []string{fmt.Sprintf(advice, "1400")}, trace(t, l.probe("198.51.100.2", 7, "tcp")).Advice)
}

// Its answer is an ICMP error with the same errno as where nobody is at home.
func aFirewallOutside(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade)
	l.outside.do(func() {
		nft(t, `table ip guard { chain input { type filter hook input priority 0; tcp dport 7 reject with icmp admin-prohibited; }; }`)
	})
	t.Cleanup(func() { l.outside.run(t, "nft flush ruleset") })
	require.Equal(t, "198.51.100.2 answers that it forbids the packet: a firewall there, or on its way", trace(t, l.probe("198.51.100.2", 7, "tcp")).Sentence)
}

func aCircleOutside(t *testing.T) {
	l := newLab(t)
	var host *place
	host.run(t, "ip route add 203.0.113.0/24 via 198.51.100.2")
	l.outside.run(t, "ip route add default via 198.51.100.1\nsysctl -q -w net.ipv4.ip_forward=1")
	r := trace(t, l.probe("203.0.113.9", 7, "tcp"))
	require.Regexp(t, `^198\.51\.100\.[12] gave the packet up after too many hops: the routes there may lead in a circle$`, r.Sentence)
}

// The router outside sends the packet back to the host, and tells it to do so
// itself. The host knows its own address and takes nothing that comes from it.
func aRedirectIsNoAnswer(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade)
	var host *place
	host.run(t, "ip route add 203.0.113.0/24 via 198.51.100.2")
	l.outside.run(t, "ip route add default via 198.51.100.1\nsysctl -q -w net.ipv4.ip_forward=1")
	require.Equal(t, "it left by up0; no answer within 500ms", trace(t, l.probe("203.0.113.9", 7, "tcp")).Sentence)
}
