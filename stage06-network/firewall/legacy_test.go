package firewall

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What iptables-legacy itself writes is what we write, byte for byte.
func TestOurEntriesAreThoseOfIptables(t *testing.T) {
	for i, iptables := range []string{"iptables-legacy", "ip6tables-legacy"} {
		t.Run(iptables, func(t *testing.T) {
			newHost(t, iptables)
			run(t, iptables+" -N "+dockerGuard)
			for _, rule := range openings {
				run(t, iptables+" -A "+rule)
			}
			run(t, iptables+" -A FORWARD -i cooper+ -m comment --comment cooper -j "+dockerGuard)
			run(t, iptables+" -A FORWARD -o br0 -m comment --comment br0 -j ACCEPT")
			b := table(t, bothLegacy[i])
			at := int(b.hooks[unix.NF_INET_FORWARD])
			for _, c := range []struct {
				opening
				links pattern
			}{{opening{in: true}, ourLinks}, {opening{in: false}, ourLinks}, {opening{in: true, chain: dockerGuard}, ourLinks}, {opening{in: false}, "br0"}} {
				want := b.entries[at : at+b.u16(at+b.next)]
				got := b.entry(c.opening, c.links)
				// What the kernel noted for itself, in the word before the counters.
				copy(got[b.counters-8:b.counters], want[b.counters-8:])
				require.Equal(t, want, got)
				at += len(want)
			}
		})
	}
}

// table reads a table of the host.
func table(t testing.TB, l legacy) *blob {
	socket, err := unix.Socket(l.family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	require.NoError(t, err)
	defer unix.Close(socket)
	b, err := l.read(socket)
	require.NoError(t, err)
	return b
}

func TestTheOthersCountersGoOn(t *testing.T) {
	newHost(t, "iptables-legacy", "busybox")
	foreign(t, "iptables-legacy")
	run(t, "iptables-legacy -I FORWARD -i other0 -j ACCEPT")
	run(t, "ip netns exec theirs busybox ping -c 3 -i 0.1 "+addresses["outside"][unix.NFPROTO_IPV4])
	count := func() string {
		return strings.Join(rulesBut(run(t, "iptables-legacy-save -c"), "-i cooper+ -m comment", "-o cooper+ -m comment", "#"), "\n")
	}
	before := count()
	require.Regexp(t, `\[[1-9][0-9]*:[1-9][0-9]*\] -A OTHERS -m conntrack`, before)
	require.NoError(t, Admit(ourLinks))
	require.Equal(t, before, count())
	require.NoError(t, Withdraw(ourLinks))
	require.Equal(t, before, count())
}

// rulesBut are the lines without those that have one of these words.
func rulesBut(text string, words ...string) (lines []string) {
next:
	for line := range strings.Lines(text) {
		for _, word := range words {
			if strings.Contains(line, word) {
				continue next
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func TestLookingMakesNoTable(t *testing.T) {
	newHost(t)
	require.NoError(t, os.RemoveAll(lockFile))
	require.NoError(t, Admit(ourLinks))
	require.NoError(t, Withdraw(ourLinks))
	for _, names := range []string{"ip_tables_names", "ip6_tables_names"} {
		text, err := os.ReadFile("/proc/thread-self/net/" + names)
		require.NoError(t, err)
		require.Empty(t, text)
	}
	require.Empty(t, run(t, "nft list ruleset"))
	require.NoFileExists(t, lockFile)
}

// The kernel's tables are sound; this is what is done with any other.
func FuzzReadsNothingBeyondTheTable(f *testing.F) {
	b := &blob{layout: ipv4Layout}
	entry := b.entry(opening{in: true}, ourLinks)
	f.Add(entry)
	f.Add(append(entry, entry...))
	f.Fuzz(func(t *testing.T, entries []byte) {
		b := &blob{layout: ipv4Layout, entries: entries}
		if b.sound() {
			b.rules(0, len(entries))
			b.chainRules("any")
		}
	})
}
