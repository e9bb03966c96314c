package network

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	namespaces "cooper/stage01-namespaces"
)

// lessor is a Spec whose leases are in a directory of the test's own.
func lessor(dir, subnet string) *Spec {
	s := &Spec{}
	s.ID = namespaces.NewID()
	// The bridge is kept: there is none here, and to look for its table takes root.
	s.Network = Network{Leases: dir, Bridge: "cooper-test", Subnet: netip.MustParsePrefix(subnet), KeepBridge: true}
	return s
}

func TestNoAddressIsGivenTwice(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	specs := make([]*Spec, 50)
	for i := range specs {
		specs[i] = lessor(dir, "10.99.0.0/24")
		all.Go(func() { require.NoError(t, leaseAddress(specs[i])) })
	}
	all.Wait()
	given := map[netip.Prefix]bool{}
	for _, s := range specs {
		require.False(t, given[s.Network.Address], "%s twice", s.Network.Address)
		given[s.Network.Address] = true
		require.Equal(t, 24, s.Network.Address.Bits())
	}
	require.NotContains(t, given, netip.MustParsePrefix("10.99.0.0/24"), "the network's own address")
	require.NotContains(t, given, netip.MustParsePrefix("10.99.0.1/24"), "the gateway's")
}

// R22.
func TestWhenAddressesRunOutTheErrorSaysSoAndAllComeBack(t *testing.T) {
	dir := t.TempDir()
	for round := range 3 {
		var all sync.WaitGroup
		var lock sync.Mutex
		var holders []*Spec
		refused := 0
		for range 50 {
			all.Go(func() {
				s := lessor(dir, "10.99.0.0/29")
				err := leaseAddress(s)
				lock.Lock()
				defer lock.Unlock()
				if errors.Is(err, ErrNoAddress) {
					refused++
					require.ErrorContains(t, err, "no available addresses in 10.99.0.0/29: remove containers")
					return
				}
				require.NoError(t, err)
				holders = append(holders, s)
			})
		}
		all.Wait()
		require.Len(t, holders, 5, "round %d: a /29 has 8 addresses less network, gateway, broadcast", round)
		require.Equal(t, 45, refused)
		for _, s := range holders {
			require.NoError(t, giveAddressBack(s))
			require.NoError(t, giveAddressBack(s), "twice")
		}
	}
}

func TestAnAddressGivenBackRests(t *testing.T) {
	dir := t.TempDir()
	first, second := lessor(dir, "10.99.0.0/24"), lessor(dir, "10.99.0.0/24")
	require.NoError(t, leaseAddress(first))
	require.NoError(t, giveAddressBack(first))
	require.NoError(t, leaseAddress(second))
	require.NotEqual(t, first.Network.Address, second.Network.Address)
}

func TestAContainerThatAsksAgainKeepsItsAddress(t *testing.T) {
	s := lessor(t.TempDir(), "10.99.0.0/24")
	require.NoError(t, leaseAddress(s))
	had := s.Network.Address
	require.NoError(t, leaseAddress(s))
	require.Equal(t, had, s.Network.Address)
}

// A kill -9 can come between any two system calls; what each leaves is this.
func TestALeaseHalfTakenOrHalfGivenBackIsHealed(t *testing.T) {
	for state, links := range map[string][2]bool{"only the container's link": {true, false}, "only the address's link": {false, true}} {
		s := lessor(t.TempDir(), "10.99.0.0/24")
		require.NoError(t, leaseAddress(s))
		ip := s.Network.Address.Addr().String()
		if !links[0] {
			require.NoError(t, os.Remove(s.leases().path(s.ID)))
		}
		if !links[1] {
			require.NoError(t, os.Remove(s.leases().path(ip)))
		}
		other := lessor(s.Network.Leases, "10.99.0.0/24")
		require.NoError(t, os.Remove(s.leases().path("last")), state)
		require.NoError(t, leaseAddress(other), state)
		require.NoError(t, giveAddressBack(s), state)
		held, ok := other.leases().held(other.ID)
		require.True(t, ok, state)
		require.Equal(t, other.Network.Address.Addr(), held, "%s: giving back touches no one else's", state)
	}
}

const leaseAndDie = "COOPER_TEST_LEASE_AND_DIE"

// The lock is let go of by the kernel, and the lease found by the ID alone.
func TestALeaseOutlivesItsTakerAndItsLockDoesNot(t *testing.T) {
	if dir := os.Getenv(leaseAndDie); dir != "" {
		s := lessor(dir, "10.99.0.0/24")
		require.NoError(t, leaseAddress(s))
		fmt.Println("ID", s.ID)
		_ = locked(string(s.leases()), func() error {
			_ = exec.Command("kill", "-9", fmt.Sprint(os.Getpid())).Run()
			select {}
		})
	}
	dir := t.TempDir()
	taker := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$")
	taker.Env = append(os.Environ(), leaseAndDie+"="+dir)
	out, err := taker.Output()
	require.ErrorContains(t, err, "killed")
	_, id, _ := strings.Cut(strings.TrimSpace(string(out)), "ID ")

	fresh := lessor(dir, "10.99.0.0/24")
	fresh.ID = id
	_, held := fresh.leases().held(id)
	require.True(t, held)
	require.NoError(t, giveAddressBack(fresh))
	used, err := fresh.leases().others(namespaces.NewID())
	require.NoError(t, err)
	require.False(t, used, "nothing is leased")
}

func TestTheSubnetKeepsClearOfTheHostsRoutes(t *testing.T) {
	for want, routes := range map[string][]string{
		"10.118.0.0/16":    {"10.88.0.0/16", "172.17.0.0/16", "192.168.0.0/16"},
		"10.119.0.0/16":    {"10.118.3.0/24"},
		"10.120.0.0/16":    {"10.118.0.0/15"},
		"192.168.118.0/24": {"10.0.0.0/8"},
		"192.168.119.0/24": {"10.0.0.0/8", "192.168.118.128/25"},
	} {
		got, err := chooseSubnet(prefixes(routes))
		require.NoError(t, err)
		require.Equal(t, want, got.String(), "%v", routes)
	}
	_, err := chooseSubnet(prefixes([]string{"10.0.0.0/8", "192.168.0.0/16"}))
	require.ErrorContains(t, err, "give one with --subnet")
}

func prefixes(texts []string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

func TestTheChosenSubnetStays(t *testing.T) {
	dir := leases(t.TempDir())
	free := func() ([]netip.Prefix, error) { return nil, nil }
	first, err := dir.open(netip.Prefix{}, free)
	require.NoError(t, err)
	again, err := dir.open(netip.MustParsePrefix("10.1.0.0/16"), func() ([]netip.Prefix, error) { return prefixes([]string{"10.0.0.0/8"}), nil })
	require.NoError(t, err)
	require.Equal(t, first, again)
}

func TestABroadcastAddressIsTheLast(t *testing.T) {
	for subnet, want := range map[string]string{"10.118.0.0/16": "10.118.255.255", "10.99.0.8/29": "10.99.0.15", "192.168.1.0/30": "192.168.1.3"} {
		require.Equal(t, want, broadcast(netip.MustParsePrefix(subnet)).String())
	}
}
