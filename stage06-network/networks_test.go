package network

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	namespaces "cooper/stage01-namespaces"
)

func TestANetworkIsMadeOnceAndFoundByNameAndID(t *testing.T) {
	networks := Networks{Dir: t.TempDir(), Table: "cooper-test", Keep: true}
	made, err := networks.Create(Definition{Name: "web", Driver: Bridge, IPv6: true, Labels: map[string]string{"a": "b"}})
	require.NoError(t, err)
	require.Len(t, made.Subnets, 2)
	require.Equal(t, made.Subnets[0].Prefix.Addr().Next(), made.Subnets[0].Gateway)
	require.True(t, strings.HasPrefix(made.Link, BridgePrefix+"-"), made.Link)

	for _, name := range []string{"web", made.ID, made.ID[:12], made.ID[:3]} {
		found, err := networks.Find(name)
		require.NoError(t, err)
		require.Equal(t, made, found)
	}
	_, err = networks.Create(Definition{Name: "web", Driver: Bridge})
	require.ErrorIs(t, err, fs.ErrExist)
	for _, name := range []string{"other", "", "../web", "f00d"} {
		missing := new(NotFound)
		_, err = networks.Find(name)
		require.ErrorAs(t, err, &missing, "%q", name)
		require.ErrorAs(t, networks.Remove(name), &missing, "%q", name)
	}
}

func TestTwoNetworksShareNoAddress(t *testing.T) {
	networks := Networks{Dir: t.TempDir(), Table: "cooper-test", Keep: true}
	var all sync.WaitGroup
	for _, name := range strings.Fields("a b c d e f g h i j k l") { // more than there are large ones
		all.Go(func() {
			_, err := networks.Create(Definition{Name: name, Driver: Bridge, IPv6: true})
			require.NoError(t, err)
		})
	}
	all.Wait()
	list, err := networks.List()
	require.NoError(t, err)
	require.Len(t, list, 12)
	var taken []netip.Prefix
	for _, d := range list {
		for _, subnet := range d.Subnets {
			clash, is := overlapping(subnet.Prefix, taken)
			require.False(t, is, "%s and %s", subnet.Prefix, clash)
			taken = append(taken, subnet.Prefix)
		}
	}
	_, err = networks.Create(Definition{Name: "again", Driver: Bridge, Subnets: []Subnet{{Prefix: taken[0]}}})
	require.ErrorContains(t, err, "another network has "+taken[0].String())
	require.NoError(t, networks.Remove(list[0].Name))
	_, err = networks.Create(Definition{Name: "again", Driver: Bridge, Subnets: []Subnet{{Prefix: taken[0]}}})
	require.NoError(t, err, "free again")
}

func TestAWrongNetworkIsRefusedWithAReason(t *testing.T) {
	networks := Networks{Dir: t.TempDir(), Table: "cooper-test", Keep: true}
	subnet := func(text string) []Subnet { return []Subnet{{Prefix: netip.MustParsePrefix(text)}} }
	for reason, asked := range map[string]Definition{
		`network name "a/b": use letters`:      {Name: "a/b", Driver: Bridge},
		`network name "..": use letters`:       {Name: "..", Driver: Bridge},
		`network name "host": it has a`:        {Name: "host", Driver: Bridge},
		`network driver "overlay": use bridge`: {Name: "a", Driver: "overlay"},
		"subnet 10.99.0.0/31: use an IPv4":     {Name: "a", Driver: Bridge, Subnets: subnet("10.99.0.0/31")},
		"subnet 127.8.0.0/16: use an IPv4":     {Name: "a", Driver: Bridge, Subnets: subnet("127.8.0.0/16")},
		"subnet 224.0.0.0/8: use an IPv4":      {Name: "a", Driver: Bridge, Subnets: subnet("224.0.0.0/8")},
		"subnet fe80::/64: use an IPv4":        {Name: "a", Driver: Bridge, Subnets: subnet("fe80::/64")},
		"subnet 169.254.0.0/16: use an IPv4":   {Name: "a", Driver: Bridge, Subnets: subnet("169.254.0.0/16")},
		"subnet ::ffff:10.9.0.0/120: use an":   {Name: "a", Driver: Bridge, Subnets: subnet("::ffff:10.9.0.0/120")},
		"one of IPv4 and one of IPv6 at most":  {Name: "a", Driver: Bridge, Subnets: append(subnet("10.99.0.0/24"), subnet("10.98.0.0/24")...)},
		"gateway 10.98.0.1: no address of the": {Name: "a", Driver: Bridge, Subnets: []Subnet{{Prefix: netip.MustParsePrefix("10.99.0.0/24"), Gateway: netip.MustParseAddr("10.98.0.1")}}},
		"address range 10.98.0.0/25: it isn't": {Name: "a", Driver: Bridge, Subnets: []Subnet{{Prefix: netip.MustParsePrefix("10.99.0.0/24"), Range: netip.MustParsePrefix("10.98.0.0/25")}}},
		"reserved address x=10.98.0.1: it isn": {Name: "a", Driver: Bridge, Subnets: []Subnet{{Prefix: netip.MustParsePrefix("10.99.0.0/24"), Reserved: map[string]netip.Addr{"x": netip.MustParseAddr("10.98.0.1")}}}},
		`option "mtu": the driver bridge has`:  {Name: "a", Driver: Bridge, Options: Options{"mtu": "1400"}},
		`isn't one of its values`:              {Name: "a", Driver: Macvlan, Options: Options{optionMacvlan: "l2"}},
	} {
		_, err := networks.Create(asked)
		require.ErrorContains(t, err, reason)
	}
	list, err := networks.List()
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestANetworkInUseIsNotRemoved(t *testing.T) {
	networks := recorded(t)
	c := lessor(networks)
	require.NoError(t, c.lease())
	used := new(InUse)
	require.ErrorAs(t, networks.Remove("web"), &used)
	require.Equal(t, []string{c.spec.ID}, used.Containers)
	require.NoError(t, c.giveBack())
	require.NoDirExists(t, networks.record("web").path("names", "x"))
}

// Whoever waits for a network that goes finds that it is gone, and makes
// nothing of it.
func TestALeaseOfANetworkThatGoesIsRefused(t *testing.T) {
	networks := recorded(t)
	r := networks.record("web")
	waiting := lessor(networks)
	result := make(chan error)
	err := r.locked(func() error {
		go func() { result <- waiting.lease() }()
		return os.Rename(string(r), string(r)+".gone") // RemoveAll might meet a second lock being made
	})
	require.NoError(t, err)
	missing := new(NotFound)
	require.ErrorAs(t, <-result, &missing)
	require.NoDirExists(t, string(r))
	require.NoError(t, waiting.giveBack())
}

func TestWhatAKilledRemovalLeftIsInNobodysWay(t *testing.T) {
	networks := recorded(t)
	left := networks.record(".gone-web")
	require.NoError(t, os.MkdirAll(left.path("names"), 0o700))
	scraps, err := networks.Scraps()
	require.NoError(t, err)
	require.Equal(t, []string{string(left)}, scraps)
	require.NoError(t, networks.Remove("web"))
	require.NoDirExists(t, string(left))
	require.NoDirExists(t, string(networks.record("web")))
}

func TestABrokenDefinitionIsAnErrorThatNamesTheFile(t *testing.T) {
	networks := recorded(t)
	r := networks.record("web")
	for _, text := range []string{"", "{", "{}", `{"name":"other","subnets":[{}]}`, `{"subnets":1}`} {
		require.NoError(t, os.WriteFile(r.path(definitionFile), []byte(text), 0o600))
		err := lessor(networks).lease()
		require.ErrorContains(t, err, r.path(definitionFile), "%q", text)
		require.False(t, errors.Is(err, fs.ErrNotExist))
	}
}

func TestEachEngineHasATableOfItsOwn(t *testing.T) {
	require.Equal(t, "cooper0", TableFor("/var/lib/cooper/"))
	one, two := TableFor("/srv/one"), TableFor("/srv/two")
	require.NotEqual(t, one, two)
	require.Len(t, one, 15)
	require.Equal(t, one, TableFor("/srv/one/"))
	require.Len(t, namespaces.NewID(), 64)
}
