package trace

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"github.com/stretchr/testify/require"

	"cooper/stage01-namespaces/notrace"
)

// The rules are written by the real tools, and nft's own listing is what ours
// is compared with.
func TestRulesAreWrittenAsNftWritesThem(t *testing.T) {
	notrace.Check(t)
	notrace.NeedTool(t, "nft", "iptables-nft", "ip6tables-nft")
	nft(t, rulesOfMany)
	for _, line := range strings.Split(rulesOfIptables, "\n") {
		out, err := exec.Command("sh", "-c", line).CombinedOutput()
		require.NoError(t, err, "%s: %s", line, out)
	}
	listed, err := exec.Command("nft", "-s", "list", "ruleset").CombinedOutput()
	require.NoError(t, err)
	var want []string
	for line := range strings.Lines(string(listed)) {
		if rule, is := ruleLine(line); is {
			want = append(want, rule)
		}
	}
	require.Greater(t, len(want), 50)
	require.Equal(t, want, ourListing(t))
}

// ruleLine picks the rules out of nft's listing, without their counters.
func ruleLine(line string) (string, bool) {
	rule := strings.TrimSpace(line)
	if rule == "" || strings.HasPrefix(rule, "#") || strings.HasPrefix(line, "table") || regexp.MustCompile(`^(chain|type|set|map|elements|flags|size|counter c|}).*`).MatchString(rule) {
		return "", false
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(rule, "counter", " ")), " "), true
}

func ourListing(t *testing.T) (rules []string) {
	var socket *netlink.Conn
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(dialled *netlink.Conn) error { socket = dialled; return nil }))
	require.NoError(t, err)
	defer conn.CloseLasting()
	all, err := readCatalogue(conn, socket)
	require.NoError(t, err)
	chains, err := conn.ListChains()
	require.NoError(t, err)
	for _, chain := range chains {
		name := chainName{chain.Table.Family, chain.Table.Name, chain.Name}
		list, err := readRules(socket, name)
		require.NoError(t, err)
		for _, rule := range list {
			rules = append(rules, text(&rule, name, all))
		}
	}
	return rules
}

const rulesOfMany = `table inet firewall {
	set blocked {
		type ipv4_addr
	}
	map published {
		type inet_proto . inet_service : ipv4_addr . inet_service
	}
	chain web {
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "cooper0" accept
		iifname "cooper*" oifname != "cooper*" counter drop comment "a comment"
		iif "lo" accept
		oifname { "eth0", "eth1" } return
		ip saddr 10.118.0.2 ip daddr 192.0.2.0/24 drop
		ip saddr 172.16.0.0/12 drop
		ip daddr != 127.0.0.0/8 jump web
		ip6 saddr fd12::/64 ip6 daddr fd12::2 drop
		ip saddr @blocked drop
		ip saddr { 192.0.2.1, 192.0.2.7 } drop
		ip saddr { 192.0.2.0/24, 198.51.100.5-198.51.100.9 } drop
		meta l4proto { tcp, udp } accept
		tcp dport 80 accept
		tcp dport { 80, 443 } accept
		tcp dport 8000-8080 goto web
		tcp dport != 22 tcp sport > 1023 drop
		tcp flags syn drop
		udp dport 53 accept
		icmp type echo-request accept
		icmpv6 type { nd-neighbor-solicit, nd-router-advert } accept
		ip protocol icmp drop
		ct state established,related accept
		ct state invalid drop
		ct state new ct status dnat accept
		ct direction reply accept
		meta l4proto tcp ct original proto-dst 8080 drop
		ct original ip daddr 192.0.2.1 accept
		ct mark 0x00000007 accept
		ct mark set 0x00000007
		ct state vmap { established : accept, related : accept, invalid : drop }
		tcp dport vmap { 22 : accept, 80 : jump web }
		meta mark 0x00000001 accept
		meta mark set 0x00000002
		meta nfproto ipv4 accept
		meta l4proto tcp reject with tcp reset
		reject with icmpx admin-prohibited
		ip saddr 10.0.0.1 reject with icmp host-unreachable
		limit rate 10/second burst 5 packets accept
		limit rate over 1/minute burst 5 packets drop
		log prefix "dropped: " drop
		fib daddr type local drop
		fib saddr . iif oif missing drop
		ip ttl 1 drop
		ether saddr 02:00:0a:76:00:02 accept
		meta pkttype broadcast drop
		return
	}
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local tcp dport 8080 dnat ip to 10.118.0.3:80
		tcp dport 53 redirect to :5353
		dnat ip to meta l4proto . th dport map @published
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.118.0.0/16 oifname != "cooper0" masquerade
		snat ip to 192.0.2.1
	}
}
table ip raw4 {
	chain prerouting {
		type filter hook prerouting priority raw; policy accept;
		ip protocol tcp drop
		udp dport 53 notrack
	}
}
table bridge apart {
	chain forward {
		type filter hook forward priority 0; policy accept;
		ip saddr 10.118.0.2 drop
		ether type arp accept
	}
}
`

const rulesOfIptables = `iptables-nft -A FORWARD -i cooper+ -j ACCEPT 2>/dev/null
iptables-nft -A FORWARD -o docker0 -m conntrack --ctstate ESTABLISHED -j ACCEPT
iptables-nft -A FORWARD ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -d 172.17.0.2 -j ACCEPT
iptables-nft -A FORWARD -s 172.17.0.0/16 -j DROP
iptables-nft -A FORWARD -d 10.0.0.1 -p udp --sport 10:20 -j DROP
iptables-nft -A FORWARD -p tcp -m conntrack --ctstate DNAT -j ACCEPT
iptables-nft -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j ACCEPT
iptables-nft -t nat -A PREROUTING ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
iptables-nft -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
ip6tables-nft -A FORWARD -i cooper+ -d fd12::2 -j DROP`
