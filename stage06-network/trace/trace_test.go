package trace

import (
	"testing"

	"github.com/stretchr/testify/require"

	"cooper/stage01-namespaces/notrace"
)

// Each report stands in testdata as it is printed.
func TestWhichRuleDrops(t *testing.T) {
	everyLab(t, []report{
		{"a packet is answered under the host's address", aPacketIsAnsweredUnderTheHostsAddress},
		{"a rule of a foreign table drops", aRuleOfAForeignTableDrops},
		{"Docker's policy drops", dockersPolicyDrops},
		{"a rejection tells the sender", aRejectionTellsTheSender},
		{"the answer is dropped", theAnswerIsDropped},
		{"the host's input drops", theHostsInputDrops},
		{"the container's own rule drops", theContainersOwnRuleDrops},
		{"a rule of the bridge drops", aRuleOfTheBridgeDrops},
	})
}

func aPacketIsAnsweredUnderTheHostsAddress(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade)
	l.outside.serve(t, ":7")
	r := trace(t, l.probe("198.51.100.2", 7, "tcp"))
	require.Equal(t, Answered, r.Result)
	requireReport(t, "answered", r)
}

func aRuleOfAForeignTableDrops(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade+`table inet firewall {
		chain forward {
			type filter hook forward priority 0; policy accept;
			jump containers
		}
		chain containers {
			ct state established,related counter accept
			iifname "cooper*" tcp dport { 7, 9 } counter drop comment "no echo"
		}
	}`)
	l.outside.serve(t, ":7")
	r := trace(t, l.probe("198.51.100.2", 7, "tcp"))
	require.Equal(t, Dropped, r.Result)
	requireReport(t, "foreign-rule", r)
}

func dockersPolicyDrops(t *testing.T) {
	notrace.NeedTool(t, "iptables-nft")
	l := newLab(t)
	nft(t, masquerade)
	var host *place
	host.run(t, `iptables-nft -N DOCKER-USER
		iptables-nft -A DOCKER-USER -j RETURN
		iptables-nft -A FORWARD -j DOCKER-USER
		iptables-nft -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		iptables-nft -P FORWARD DROP`)
	requireReport(t, "docker-policy", trace(t, l.probe("198.51.100.2", 7, "tcp")))
}

func aRejectionTellsTheSender(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade+`table inet filter {
		chain forward {
			type filter hook forward priority 0; policy accept;
			iifname "cooper0" oifname "up0" meta l4proto tcp reject with tcp reset
		}
	}`)
	requireReport(t, "rejected", trace(t, l.probe("198.51.100.2", 7, "tcp")))
}

func theAnswerIsDropped(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade+`table inet filter {
		chain forward {
			type filter hook forward priority 0; policy drop;
			iifname "cooper0" accept
		}
	}`)
	l.outside.serve(t, ":7")
	requireReport(t, "answer-dropped", trace(t, l.probe("198.51.100.2", 7, "tcp")))
}

func theHostsInputDrops(t *testing.T) {
	l := newLab(t)
	nft(t, `table ip filter {
		chain input {
			type filter hook input priority 0; policy drop;
			iif "lo" accept
			ct state established,related accept
		}
	}`)
	requireReport(t, "input", trace(t, l.probe("10.118.0.1", 53, "udp")))
}

func theContainersOwnRuleDrops(t *testing.T) {
	l := newLab(t)
	l.web.do(func() {
		nft(t, `table ip own { chain output { type filter hook output priority 0; ip daddr 198.51.100.0/24 drop; }; }`)
	})
	t.Cleanup(func() { l.web.run(t, "nft flush ruleset") })
	requireReport(t, "own-rule", trace(t, l.probe("198.51.100.2", 7, "tcp")))
}

func aRuleOfTheBridgeDrops(t *testing.T) {
	l := newLab(t)
	nft(t, `table bridge apart {
		chain forward {
			type filter hook forward priority filter; policy accept;
			iifname "veth0" oifname "veth1" ip protocol tcp drop
		}
	}`)
	l.db.serve(t, ":80")
	requireReport(t, "bridge-rule", trace(t, l.probe("10.118.0.3", 80, "tcp")))
}
