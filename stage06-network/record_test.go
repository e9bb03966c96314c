package network

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	namespaces "cooper/stage01-namespaces"
)

func TestTheRecordTellsWhoIsOnTheNetwork(t *testing.T) {
	networks := recorded(t, "10.99.0.0/24", "fd99::/64")
	c := lessor(networks, "Web-1")
	c.endpoints()[0].Aliases = []string{"www"}
	require.NoError(t, c.lease())
	r := networks.record("web")
	for name, want := range map[string]string{
		c.spec.ID:                  "eth0 10.99.0.2 fd99::2 Web-1",
		"10.99.0.2":                c.spec.ID,
		"fd99::2":                  c.spec.ID,
		"names/web-1/" + c.spec.ID: "10.99.0.2 fd99::2 Web-1",
		"names/www/" + c.spec.ID:   "10.99.0.2 fd99::2 Web-1",
		"names/" + c.spec.ID[:12] + "/" + c.spec.ID: "10.99.0.2 fd99::2 Web-1",
	} {
		text, err := os.Readlink(r.path(name))
		require.NoError(t, err)
		require.Equal(t, want, text)
	}
	require.NoError(t, c.giveBack())
	left, err := os.ReadDir(r.path("names"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoFileExists(t, r.path("10.99.0.2"))
}

// A kill -9 can come between any two system calls; what each leaves is this.
func TestALeaseHalfTakenOrHalfGivenBackIsHealed(t *testing.T) {
	for state, spoil := range map[string]func(r record, c *cabling) error{
		"no address's link": func(r record, c *cabling) error { return os.Remove(r.path(c.address().Addr().String())) },
		"no names":          func(r record, c *cabling) error { return os.RemoveAll(r.path("names")) },
		"an empty name":     func(r record, c *cabling) error { return os.Remove(r.path("names", "web", c.spec.ID)) },
		"no hint":           func(r record, c *cabling) error { return os.Remove(r.path("last")) },
	} {
		networks := recorded(t, "10.99.0.0/24")
		c, other := lessor(networks, "web"), lessor(networks, "web")
		require.NoError(t, c.lease())
		require.NoError(t, spoil(networks.record("web"), c), state)
		_ = os.Remove(networks.record("web").path("last"))
		require.NoError(t, other.lease(), state)
		require.NoError(t, c.giveBack(), state)
		held, ok := networks.record("web").held(other.spec.ID)
		require.True(t, ok, state)
		require.Equal(t, []netip.Addr{other.address().Addr()}, held.addresses, "%s: giving back touches no one else's", state)
		known, err := os.Readlink(networks.record("web").path("names", "web", other.spec.ID))
		require.NoError(t, err, state)
		require.Equal(t, held.whom(), known, state)
		require.NoError(t, other.giveBack(), state)
		left, err := networks.record("web").containers()
		require.NoError(t, err)
		require.Empty(t, left, state)
	}
}

// The lock is let go of by the kernel, and the lease found by the ID alone.
func TestALeaseOutlivesItsTakerAndItsLockDoesNot(t *testing.T) {
	if dir := os.Getenv(leaseAndDie); dir != "" {
		c := lessor(Networks{Dir: dir, Table: "cooper-test", Keep: true})
		require.NoError(t, c.lease())
		fmt.Println("ID", c.spec.ID)
		_ = c.record("web").locked(func() error {
			_ = exec.Command("kill", "-9", fmt.Sprint(os.Getpid())).Run()
			select {}
		})
	}
	networks := recorded(t, "10.99.0.0/24")
	taker := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$")
	taker.Env = append(os.Environ(), leaseAndDie+"="+networks.Dir)
	out, err := taker.Output()
	require.ErrorContains(t, err, "killed")
	_, id, _ := strings.Cut(strings.TrimSpace(string(out)), "ID ")

	fresh := lessor(networks)
	fresh.spec.ID = id
	_, held := networks.record("web").held(id)
	require.True(t, held)
	require.NoError(t, fresh.giveBack())
	used, err := networks.record("web").others(namespaces.NewID())
	require.NoError(t, err)
	require.False(t, used, "nothing is leased")
}
