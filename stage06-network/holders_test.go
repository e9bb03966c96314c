package network

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two containers that differ in all that they hold; who wants any of it is told
// of the one that has it, and of nobody else.
func TestHoldersAreThoseWhoHaveWhatIsAskedFor(t *testing.T) {
	w := newWorld(t)
	one := w.bridged(t, "8080:80", "198.51.100.1:8081:81/udp", "[::]:8082:82")
	one.Network.Names = []string{"web"}
	w.start(t, one)
	other := w.bridged(t, "8090-8095:80")
	w.start(t, other)

	for _, test := range []struct {
		ports   []string
		name    string
		address netip.Addr
		holders []*Spec
	}{
		{},
		{ports: []string{"8080:1"}, holders: []*Spec{one}},
		{ports: []string{"8080:1/udp", "8081:1/udp", "127.0.0.1:8080:1", "80:80"}}, // other keys; the Proxy's sockets ended with it
		{ports: []string{"198.51.100.1:8081:1/udp"}, holders: []*Spec{one}},
		{ports: []string{"8082:1"}, holders: []*Spec{one}},
		{ports: []string{"8070-8079:1", "8096-8099:1", "5353"}},
		{ports: []string{"8076-8092:1"}, holders: []*Spec{one, other}},
		{address: one.Network.Address(), holders: []*Spec{one}},
		{address: other.Network.Address(), holders: []*Spec{other}},
		{name: "web"}, // the default network has no names
	} {
		s := w.bridged(t, test.ports...)
		s.Network.Endpoints[0].IP = test.address
		if test.name != "" {
			s.Network.Names = []string{test.name}
		}
		var want []string
		for _, holder := range test.holders {
			want = append(want, holder.ID)
		}
		got, err := s.Holders()
		require.NoError(t, err)
		require.ElementsMatch(t, want, got, "%+v", test)
	}
	got, err := one.Holders()
	require.NoError(t, err)
	require.Empty(t, got, "itself is no other")
}

// As somebody leaves it who is killed while he leads the port to another network
// of a container that ends just then.
func TestAPortThatLeadsToNobodyIsFree(t *testing.T) {
	w := newWorld(t)
	w.start(t, w.bridged(t, "8081:80"))
	s := w.bridged(t, "8080:80", "8081:80")
	gone := netip.MustParseAddr("10.118.255.250")
	require.NoError(t, publish(s.Network.Networks.Table, s.Network.Ports[:1], []netip.Addr{gone}))
	require.Contains(t, w.table(t), ". 8080 : "+gone.String())

	holders, err := s.Holders()
	require.NoError(t, err)
	require.Len(t, holders, 1, "who lives keeps his")
	require.NotContains(t, w.table(t), ". 8080")
	require.Contains(t, w.table(t), ". 8081")
	w.start(t, w.bridged(t, "8080:80"))
}

func TestWithoutRulesNobodyHoldsAPort(t *testing.T) {
	w := newWorld(t)
	got, err := w.bridged(t, "8080:80").Holders()
	require.NoError(t, err)
	require.Empty(t, got)
}
