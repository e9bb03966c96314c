package firewall

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"cooper/stage01-namespaces/notrace"
)

// programs are iptables in all its forms.
var programs = []struct {
	name   string
	family byte
}{
	{"iptables-nft", unix.NFPROTO_IPV4},
	{"ip6tables-nft", unix.NFPROTO_IPV6},
	{"iptables-legacy", unix.NFPROTO_IPV4},
	{"ip6tables-legacy", unix.NFPROTO_IPV6},
}

var openings = []string{
	"FORWARD -i cooper+ -m comment --comment cooper -j ACCEPT",
	"FORWARD -o cooper+ -m comment --comment cooper -j ACCEPT",
}

func TestContainersHaveTheirNetworkWhereThePolicyDrops(t *testing.T) {
	for _, iptables := range programs {
		t.Run(iptables.name, func(t *testing.T) {
			newHost(t, iptables.name)
			run(t, iptables.name+" -A FORWARD -i other0 -o up9 -j ACCEPT")
			run(t, iptables.name+" -P FORWARD DROP")
			before := save(t, iptables.name)
			require.True(t, kept(t, "ours", "outside", iptables.family))

			require.NoError(t, Admit(ourLinks))
			require.True(t, reaches(t, "ours", "outside", iptables.family))
			require.True(t, reaches(t, "outside", "ours", iptables.family), "what may come in, our own table says")
			require.True(t, kept(t, "theirs", "outside", iptables.family))
			require.True(t, kept(t, "outside", "theirs", iptables.family))
			with := save(t, iptables.name)
			require.Contains(t, with, "-A "+openings[0]+"\n-A "+openings[1]+"\n")
			require.NoError(t, Admit(ourLinks))
			require.Equal(t, with, save(t, iptables.name), "once is enough")

			require.NoError(t, Withdraw(ourLinks))
			require.Equal(t, before, save(t, iptables.name))
			require.True(t, kept(t, "ours", "outside", iptables.family))

			require.NoError(t, Admit(ourLinks))
			for _, rule := range openings {
				run(t, iptables.name+" -C "+rule)
				run(t, iptables.name+" -D "+rule)
			}
			require.Equal(t, before, save(t, iptables.name), "iptables takes them for its own")
		})
	}
}

// A bridge that has its name from the user: others, whose names begin like that,
// are none of our business.
func TestANameIsThatOneBridges(t *testing.T) {
	for _, iptables := range programs {
		t.Run(iptables.name, func(t *testing.T) {
			newHost(t, iptables.name)
			run(t, iptables.name+" -P FORWARD DROP")
			before := save(t, iptables.name)
			require.NoError(t, Admit("cooper"))
			require.True(t, kept(t, "ours", "outside", iptables.family))
			require.NoError(t, Admit("cooper0"))
			require.True(t, reaches(t, "ours", "outside", iptables.family))
			require.NoError(t, Admit("cooper0"))
			rules := save(t, iptables.name)
			for _, name := range []string{"cooper", "cooper0"} {
				require.Equal(t, 1, strings.Count(rules, "-A FORWARD -i "+name+" -m comment --comment "+name+" -j ACCEPT\n"), rules)
				require.Equal(t, 1, strings.Count(rules, "-A FORWARD -o "+name+" -m comment --comment "+name+" -j ACCEPT\n"), rules)
				run(t, iptables.name+" -C FORWARD -i "+name+" -m comment --comment "+name+" -j ACCEPT")
			}
			require.NoError(t, WithdrawUnlessUsed("cooper0"))
			require.Equal(t, rules, save(t, iptables.name))
			require.NoError(t, WithdrawUnlessUsed("cooper"))
			require.NoError(t, Withdraw("cooper0"))
			require.Equal(t, before, save(t, iptables.name))
		})
	}
}

var volatile = regexp.MustCompile(`(?m)^#.*\n|\[\d+:\d+\]`)

// save is iptables-save without times and counters.
func save(t testing.TB, iptables string) string {
	return volatile.ReplaceAllString(run(t, iptables+"-save"), "")
}

// As RHEL 7 has it, with the log that people put before it.
func TestContainersHaveTheirNetworkWhereTheLastRuleRejects(t *testing.T) {
	for _, iptables := range programs {
		t.Run(iptables.name, func(t *testing.T) {
			newHost(t, iptables.name)
			for _, rule := range []string{"-p tcp --dport 1 -j ACCEPT", "-m limit --limit 1/sec -j LOG", "-j REJECT"} {
				run(t, iptables.name+" -A FORWARD "+rule)
			}
			before := save(t, iptables.name)
			require.True(t, kept(t, "ours", "outside", iptables.family))
			require.NoError(t, Admit(ourLinks))
			require.True(t, reaches(t, "ours", "outside", iptables.family))
			require.Regexp(t, "--dport 1 -j ACCEPT\n-A "+regexp.QuoteMeta(openings[0]+"\n-A "+openings[1])+"\n.*LOG", save(t, iptables.name))

			run(t, iptables.name+" -I FORWARD 4 -i cooper0 -p tcp -j DROP")
			require.NoError(t, Admit(ourLinks))
			require.True(t, kept(t, "ours", "outside", iptables.family), "others' rules are asked first, later ones too")
			run(t, iptables.name+" -D FORWARD -i cooper0 -p tcp -j DROP")

			require.NoError(t, Withdraw(ourLinks))
			require.Equal(t, before, save(t, iptables.name))
		})
	}
}

// With br_netfilter, what a bridge carries from port to port passes FORWARD too.
func TestContainersOfOneNetworkReachEachOther(t *testing.T) {
	newHost(t, "iptables-nft")
	if err := sysctl("bridge/bridge-nf-call-iptables", "1"); err != nil {
		t.Skip(notrace.SkipReason + "br_netfilter")
	}
	run(t, "ip netns add neighbour")
	t.Cleanup(func() { run(t, "ip netns delete neighbour") })
	run(t, "ip link add to-neighbour type veth peer name eth0 netns neighbour")
	run(t, "ip link set to-neighbour up master cooper0")
	run(t, "ip -n neighbour address add 10.118.0.3/24 dev eth0")
	run(t, "ip -n neighbour link set eth0 up")
	require.True(t, reaches(t, "neighbour", "ours", ipv4))

	run(t, "iptables-nft -P FORWARD DROP")
	require.True(t, kept(t, "neighbour", "ours", ipv4))
	require.Len(t, blockers(t), 1)
	require.Contains(t, blockers(t)[0].What, "between containers of one network")
	require.NoError(t, Admit(ourLinks))
	require.True(t, reaches(t, "neighbour", "ours", ipv4))
}
