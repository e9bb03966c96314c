package network

import (
	"errors"
	"net/netip"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	namespaces "cooper/stage01-namespaces"
)

// recorded makes the network web, of which there is nothing but the record.
func recorded(t *testing.T, subnets ...string) Networks {
	// The bridges are kept: there are none, and to look for their table takes root.
	networks := Networks{Dir: t.TempDir(), Table: "cooper-test", Keep: true}
	asked := Definition{Name: "web", Driver: Bridge}
	for _, prefix := range prefixes(subnets) {
		asked.Subnets = append(asked.Subnets, Subnet{Prefix: prefix})
	}
	_, err := networks.Create(asked)
	require.NoError(t, err)
	return networks
}

// lessor is a container that will be on the network web.
func lessor(networks Networks, names ...string) *cabling {
	s := &Spec{}
	s.ID = namespaces.NewID()
	s.Network = Network{Networks: networks, Endpoints: []Endpoint{{Network: "web"}}, Names: names}
	return &cabling{spec: s}
}

func (c *cabling) address() netip.Prefix { return c.endpoints()[0].Address }

func TestNoAddressIsGivenTwice(t *testing.T) {
	networks := recorded(t, "10.99.0.0/24", "fd99::/64")
	var all sync.WaitGroup
	holders := make([]*cabling, 50)
	for i := range holders {
		holders[i] = lessor(networks)
		all.Go(func() { require.NoError(t, holders[i].lease()) })
	}
	all.Wait()
	given := map[netip.Prefix]bool{}
	for _, c := range holders {
		for _, address := range c.endpoints()[0].addresses() {
			require.False(t, given[address], "%s twice", address)
			given[address] = true
		}
		require.Equal(t, 24, c.address().Bits())
		require.Equal(t, 64, c.endpoints()[0].Address6.Bits())
	}
	for _, taken := range []string{"10.99.0.0/24", "10.99.0.1/24", "fd99::/64", "fd99::1/64"} {
		require.NotContains(t, given, netip.MustParsePrefix(taken), "the network's own, or the gateway's")
	}
}

// R22.
func TestWhenAddressesRunOutTheErrorSaysSoAndAllComeBack(t *testing.T) {
	networks := recorded(t, "10.99.0.0/29")
	for round := range 3 {
		var all sync.WaitGroup
		var lock sync.Mutex
		var holders []*cabling
		refused := 0
		for range 50 {
			all.Go(func() {
				c := lessor(networks)
				err := c.lease()
				lock.Lock()
				defer lock.Unlock()
				if errors.Is(err, ErrNoAddress) {
					refused++
					require.ErrorContains(t, err, "no available addresses in 10.99.0.0/29: remove containers")
					return
				}
				require.NoError(t, err)
				holders = append(holders, c)
			})
		}
		all.Wait()
		require.Len(t, holders, 5, "round %d: a /29 has 8 addresses less network, gateway, broadcast", round)
		require.Equal(t, 45, refused)
		for _, c := range holders {
			require.NoError(t, c.giveBack())
			require.NoError(t, c.giveBack(), "twice")
		}
	}
}

func TestAddressesComeFromTheRangeAndNoReservedOnes(t *testing.T) {
	networks := recorded(t)
	_, err := networks.Create(Definition{Name: "part", Driver: Bridge, Subnets: []Subnet{{
		Prefix: netip.MustParsePrefix("10.98.0.0/16"), Range: netip.MustParsePrefix("10.98.5.0/30"), Gateway: netip.MustParseAddr("10.98.5.1"),
		Reserved: map[string]netip.Addr{"printer": netip.MustParseAddr("10.98.5.2")},
	}}})
	require.NoError(t, err)
	var given []string
	for range 2 {
		c := lessor(networks)
		c.endpoints()[0].Network = "part"
		require.NoError(t, c.lease())
		given = append(given, c.address().String())
	}
	require.Equal(t, []string{"10.98.5.0/16", "10.98.5.3/16"}, given, "inside a range there is no broadcast")
	c := lessor(networks)
	c.endpoints()[0].Network = "part"
	require.ErrorIs(t, c.lease(), ErrNoAddress)
}

func TestAnAddressCanBeAskedFor(t *testing.T) {
	networks := recorded(t, "10.99.0.0/24", "fd99::/64")
	ask := func(ip, ip6 string) (*cabling, error) {
		c := lessor(networks)
		c.endpoints()[0].IP, c.endpoints()[0].IP6 = netip.MustParseAddr(ip), netip.MustParseAddr(ip6)
		return c, c.lease()
	}
	first, err := ask("10.99.0.77", "fd99::77")
	require.NoError(t, err)
	require.Equal(t, "10.99.0.77/24", first.address().String())
	require.Equal(t, "fd99::77/64", first.endpoints()[0].Address6.String())
	for reason, ips := range map[string][2]string{
		"10.99.0.77: Address already in use": {"10.99.0.77", "fd99::78"},
		"fd99::77: Address already in use":   {"10.99.0.78", "fd99::77"},
		"10.99.0.1: Address already in use":  {"10.99.0.1", "fd99::79"},
		"10.98.0.1 is no address for":        {"10.98.0.1", "fd99::79"},
		"10.99.0.255 is no address for":      {"10.99.0.255", "fd99::79"},
	} {
		c, err := ask(ips[0], ips[1])
		require.ErrorContains(t, err, reason)
		require.NoError(t, c.giveBack())
	}
	require.NoError(t, first.giveBack())
	_, err = ask("10.99.0.77", "fd99::77")
	require.NoError(t, err, "given back")
}

func TestAnAddressGivenBackRests(t *testing.T) {
	networks := recorded(t, "10.99.0.0/24")
	first, second := lessor(networks), lessor(networks)
	require.NoError(t, first.lease())
	require.NoError(t, first.giveBack())
	require.NoError(t, second.lease())
	require.NotEqual(t, first.address(), second.address())
}

func TestAContainerThatAsksAgainKeepsItsAddress(t *testing.T) {
	c := lessor(recorded(t, "10.99.0.0/24"))
	require.NoError(t, c.lease())
	had := c.address()
	require.NoError(t, c.lease())
	require.Equal(t, had, c.address())
}

// Killed while it gave them back, the one of IPv4 first.
func TestAContainerThatHasAnAddressOfOneFamilyGetsTheOther(t *testing.T) {
	networks := recorded(t, "10.99.0.0/24", "fd99::/64")
	c := lessor(networks)
	require.NoError(t, c.lease())
	require.NoError(t, os.Remove(networks.record("web").path(c.address().Addr().String())))
	require.NoError(t, c.lease())
	require.Equal(t, "10.99.0.3/24", c.address().String())
	require.Equal(t, "fd99::2/64", c.endpoints()[0].Address6.String())
}

const leaseAndDie = "COOPER_TEST_LEASE_AND_DIE"
