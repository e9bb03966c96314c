package firewall

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestContainersHaveTheirNetworkWithUfw(t *testing.T) {
	newHost(t, "ufw", "iptables-nft")
	private(t, "/etc/ufw", true)
	private(t, "/etc/default", true)
	run(t, "ufw --force enable")
	before := save(t, "iptables-nft")
	beside := func() {
		t.Helper()
		require.NoError(t, Admit(ourLinks))
		require.Equal(t, []string{
			"-j ufw-before-logging-forward", "-j ufw-before-forward", "-j ufw-after-forward",
			openings[0][len("FORWARD "):], openings[1][len("FORWARD "):],
			"-j ufw-after-logging-forward", "-j ufw-reject-forward", "-j ufw-track-forward",
		}, forwardRules(t, "iptables-nft"), "before it is said in the log that they are blocked")
		for _, family := range bothFamilies {
			require.True(t, reaches(t, "ours", "outside", family))
			require.True(t, kept(t, "theirs", "outside", family))
		}
	}
	for _, family := range bothFamilies {
		require.True(t, kept(t, "ours", "outside", family))
	}
	beside()
	for _, command := range []string{"ufw reload", "ufw default reject routed", "ufw disable", "ufw --force enable", "ufw logging medium"} {
		run(t, command)
		if command != "ufw disable" {
			beside()
		}
	}

	run(t, "ufw route deny from 10.118.0.0/16 to any port 1:65535 proto tcp")
	require.True(t, kept(t, "ours", "outside", ipv4), "its own rules have the first word")
	run(t, "ufw route delete deny from 10.118.0.0/16 to any port 1:65535 proto tcp")
	run(t, "ufw default deny routed")
	run(t, "ufw logging low")
	require.NoError(t, Withdraw(ourLinks))
	require.Equal(t, before, save(t, "iptables-nft"))
}

// forwardRules are the rules of FORWARD, one by one.
func forwardRules(t testing.TB, iptables string) (rules []string) {
	for line := range strings.Lines(run(t, iptables+" -S FORWARD")) {
		if rule, is := strings.CutPrefix(strings.TrimSpace(line), "-A FORWARD "); is {
			rules = append(rules, rule)
		}
	}
	return rules
}
