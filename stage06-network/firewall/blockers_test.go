package firewall

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What somebody wrote by hand stays as it is; what to add to it is told, and
// does it.
func TestAHandWrittenTableIsNamedWithWhatToAdd(t *testing.T) {
	for _, test := range []struct{ name, end string }{
		{"policy", "policy drop; tcp dport 1 accept"},
		{"drop at the end", "policy accept; tcp dport 1 accept; drop"},
		{"reject with a log", "policy accept; log prefix no; reject with icmpx admin-prohibited"},
		{"jump", "policy accept; jump closed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			newHost(t)
			ruleset(t, "add table inet mine; add chain inet mine closed; add rule inet mine closed counter reject;"+
				"add chain inet mine gate { type filter hook forward priority 0; }")
			ruleset(t, "table inet mine { chain gate { type filter hook forward priority 0; "+test.end+"; }; }")
			before := run(t, "nft -s list ruleset")
			require.NoError(t, Admit(ourLinks))
			require.Equal(t, before, run(t, "nft -s list ruleset"))
			require.True(t, kept(t, "ours", "outside", ipv4))

			findings := blockers(t)
			require.Len(t, findings, 1)
			require.Contains(t, findings[0].What, "inet mine gate")
			advice := regexp.MustCompile(`nft '(.*)'`).FindStringSubmatch(findings[0].Advice)
			require.NotNil(t, advice, findings[0].Advice)
			ruleset(t, advice[1])
			require.True(t, reaches(t, "ours", "outside", ipv4))
			require.True(t, kept(t, "theirs", "outside", ipv4))
			require.Empty(t, blockers(t))
		})
	}
}

func TestAnOpenHostHasNoFindings(t *testing.T) {
	newHost(t, "iptables-nft")
	ruleset(t, "table inet mine { chain gate { type filter hook forward priority 0; tcp dport 1 drop; iifname other0 accept; }; }")
	ruleset(t, "table inet cooper0 { chain forward { type filter hook forward priority 0; policy drop; }; }")
	run(t, "iptables-nft -P FORWARD DROP")
	require.NoError(t, Admit(ourLinks))
	require.Empty(t, blockers(t))
	run(t, "ip link delete cooper0")
	require.NoError(t, Withdraw(ourLinks))
	require.Empty(t, blockers(t), "what the first bridge will open")
}

func TestBlockersTellWhoseRulesAreGone(t *testing.T) {
	for _, iptables := range programs {
		t.Run(iptables.name, func(t *testing.T) {
			newHost(t, iptables.name)
			run(t, iptables.name+" -P FORWARD DROP")
			findings := blockers(t)
			require.Len(t, findings, 1)
			require.Contains(t, findings[0].What, strings.TrimSuffix(iptables.name, "-nft")+"'s chain FORWARD drops")
			require.NoError(t, Admit(ourLinks))
			require.Empty(t, blockers(t))
		})
	}
}

func TestBlockersTellOfAHostThatIsNoRouter(t *testing.T) {
	newHost(t)
	require.NoError(t, sysctl("ipv4/ip_forward", "0"))
	require.Len(t, blockers(t), 1)
	require.Contains(t, blockers(t)[0].What, "net.ipv4.ip_forward")
	require.NoError(t, sysctl("ipv4/ip_forward", "1"))
	require.NoError(t, sysctl("ipv6/conf/all/forwarding", "0"))
	require.Len(t, blockers(t), 1)
	require.Contains(t, blockers(t)[0].What, "net.ipv6.conf.all.forwarding")
	run(t, "ip -6 address flush dev cooper0 scope global")
	require.Empty(t, blockers(t), "no network has IPv6")
	require.NoError(t, sysctl("ipv4/ip_forward", "0"))
	run(t, "ip link delete cooper0")
	require.Empty(t, blockers(t), "the engine makes it one")
}

func TestBlockersTellOfTwoWaysOutAndStrictness(t *testing.T) {
	newHost(t)
	require.NoError(t, sysctl("ipv4/conf/all/rp_filter", "0"))
	require.NoError(t, sysctl("ipv4/conf/to-outside/rp_filter", "1"))
	run(t, "ip route add default via 198.51.100.2")
	require.Empty(t, blockers(t))
	run(t, "ip route add default via 172.30.0.2 metric 7")
	require.Len(t, blockers(t), 1)
	require.Contains(t, blockers(t)[0].What, "to-outside drops answers")
	run(t, "ip route del default metric 7")
	require.Empty(t, blockers(t))
	run(t, "ip route replace default nexthop via 198.51.100.2 nexthop via 172.30.0.2")
	require.Len(t, blockers(t), 1, "one route with two ways")
	require.NoError(t, sysctl("ipv4/conf/all/rp_filter", "2"))
	require.Empty(t, blockers(t))
}

// ruleset gives commands to the packet filter's own program.
func ruleset(t testing.TB, commands string) {
	t.Helper()
	out, err := exec.Command("nft", commands).CombinedOutput()
	require.NoError(t, err, "%s: %s", commands, out)
}
