package firewall

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The real firewalld rejects what comes from a link in no zone of its own.
func TestContainersHaveTheirNetworkWithFirewalld(t *testing.T) {
	newHost(t, "firewalld", "firewall-cmd", "dbus-daemon")
	startFirewalld(t)
	before := run(t, "nft -s list ruleset")
	for _, family := range bothFamilies {
		require.True(t, kept(t, "ours", "outside", family))
	}

	require.NoError(t, Admit(ourLinks))
	require.Equal(t, "cooper+\n", run(t, "firewall-cmd --zone=trusted --list-interfaces"))
	for _, family := range bothFamilies {
		require.True(t, reaches(t, "ours", "outside", family))
		require.True(t, kept(t, "theirs", "outside", family))
		require.True(t, kept(t, "outside", "ours", family), "that takes a published port")
	}
	require.NoError(t, Admit(ourLinks), "once is enough")
	require.Empty(t, blockers(t))

	// Some versions forget the running configuration here.
	run(t, "firewall-cmd --reload")
	require.NoError(t, Admit(ourLinks))
	require.True(t, reaches(t, "ours", "outside", unix.NFPROTO_IPV4))

	require.NoError(t, Withdraw(ourLinks))
	require.NoError(t, Withdraw(ourLinks), "once is enough")
	require.Equal(t, "\n", run(t, "firewall-cmd --zone=trusted --list-interfaces"))
	require.Equal(t, rulesOfBaseChains(before), rulesOfBaseChains(run(t, "nft -s list ruleset")))
	require.Len(t, blockers(t), 1)
	require.Contains(t, blockers(t)[0].What, "firewalld rejects what comes from containers")
	require.True(t, kept(t, "ours", "outside", ipv4))
	_, advice, found := strings.Cut(blockers(t)[0].Advice, "for good: ")
	require.True(t, found)
	for command := range strings.SplitSeq(advice, " && ") {
		run(t, command)
	}
	require.Empty(t, blockers(t))
	require.True(t, reaches(t, "ours", "outside", ipv4))
}

func TestAnotherZoneOfFirewalldIsSomebodysWord(t *testing.T) {
	newHost(t, "firewalld", "firewall-cmd", "dbus-daemon")
	startFirewalld(t)
	run(t, "firewall-cmd --zone=drop --add-interface=cooper+")
	require.NoError(t, Admit(ourLinks))
	require.NoError(t, Withdraw(ourLinks))
	require.Equal(t, "cooper+\n", run(t, "firewall-cmd --zone=drop --list-interfaces"))
	require.Len(t, blockers(t), 1)
	require.Contains(t, blockers(t)[0].What, "in zone drop")
}

func TestWhatFirewalldHasForGoodStays(t *testing.T) {
	newHost(t, "firewalld", "firewall-cmd", "dbus-daemon")
	startFirewalld(t)
	run(t, "firewall-cmd --permanent --zone=trusted --add-interface=cooper+")
	run(t, "firewall-cmd --reload")
	require.NoError(t, Admit(ourLinks))
	require.NoError(t, Withdraw(ourLinks))
	require.Equal(t, "cooper+\n", run(t, "firewall-cmd --zone=trusted --list-interfaces"))
}

// Killed, it leaves its table.
func TestAFirewalldThatIsGoneButForItsTable(t *testing.T) {
	newHost(t, "firewalld", "firewall-cmd", "dbus-daemon")
	firewalld := startFirewalld(t)
	require.NoError(t, firewalld.Process.Kill())
	require.EqualError(t, firewalld.Wait(), "signal: killed")
	require.ErrorContains(t, Admit(ourLinks), "nft delete table inet firewalld")
	run(t, "nft delete table inet firewalld")
	require.NoError(t, Admit(ourLinks))
	require.True(t, reaches(t, "ours", "outside", ipv4))
}

func TestSeveralAtOnceAskFirewalldOnce(t *testing.T) {
	newHost(t, "firewalld", "firewall-cmd", "dbus-daemon")
	startFirewalld(t)
	atOnce(t, 4, Admit)
	require.Equal(t, "cooper+\n", run(t, "firewall-cmd --zone=trusted --list-interfaces"))
	atOnce(t, 4, Withdraw)
	require.Equal(t, "\n", run(t, "firewall-cmd --zone=trusted --list-interfaces"))
}

func blockers(t testing.TB) []Finding {
	findings, err := Blockers(ourLinks)
	require.NoError(t, err)
	return findings
}

// rulesOfBaseChains leaves out the chains that firewalld makes for a zone when
// it is used, and keeps.
func rulesOfBaseChains(ruleset string) (chains []string) {
	for chain := range strings.SplitSeq(ruleset, "\n\n") {
		if strings.Contains(chain, " hook ") || strings.Contains(chain, "_ZONES {") {
			chains = append(chains, strings.TrimSuffix(strings.TrimSpace(chain), "\n}"))
		}
	}
	return chains
}

// busConfig is a bus on which everyone may do everything, and that starts
// nothing.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/><allow send_destination="*"/><allow eavesdrop="true"/><allow user="*"/>
  </policy>
</busconfig>`

const ownerChanged = "NameOwnerChanged"

// startFirewalld starts the real one on the test's host, with a bus and a
// configuration of its own.
func startFirewalld(t testing.TB) *program {
	config := filepath.Join(t.TempDir(), "bus.conf")
	require.NoError(t, os.WriteFile(config, []byte(busConfig), 0o644))
	require.NoError(t, os.MkdirAll("/run/dbus", 0o755))
	private(t, "/etc/firewalld", true)
	private(t, "/var/log", false)
	start(t, "dbus-daemon", "--nofork", "--nopidfile", "--print-address", "--config-file="+config).says(t, "unix:path")

	bus, err := dbus.Connect(systemBus)
	require.NoError(t, err)
	defer bus.Close()
	changes := make(chan *dbus.Signal, 100)
	bus.Signal(changes)
	require.NoError(t, bus.AddMatchSignal(dbus.WithMatchMember(ownerChanged), dbus.WithMatchArg(0, firewalldName)))
	firewalld := start(t, "firewalld", "--nofork", "--nopid")
	for change := range changes { // our own name is told of as well
		if strings.HasSuffix(change.Name, ownerChanged) {
			break
		}
	}
	run(t, "firewall-cmd --state")
	return firewalld
}
