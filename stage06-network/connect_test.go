package network

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	namespaces "cooper/stage01-namespaces"
)

// fresh is the Spec as a new process reads it from the disk.
func fresh(t *testing.T, s *Spec) *Spec {
	text, err := json.Marshal(s)
	require.NoError(t, err)
	again := &Spec{}
	require.NoError(t, json.Unmarshal(text, again))
	return again
}

// noNetworkLeft is what "no trace" means for a bridge's name and leases.
func noNetworkLeft(t *testing.T, s *Spec) {
	networks := s.Network.Networks
	require.NotContains(t, links(t), networks.Table)
	require.NotContains(t, links(t), vethName(s.ID, "eth0"))
	require.NotContains(t, nft(t, "list", "tables"), networks.Table)
	list, err := networks.List()
	require.NoError(t, err)
	for _, d := range list {
		left, err := networks.record(d.Name).containers()
		require.NoError(t, err)
		require.Empty(t, left, "leases are left on %s", d.Name)
		require.NotContains(t, links(t), d.Link)
	}
}

// A kill -9 after each step; then another process undoes the container with
// nothing but the Spec that was written down before the first.
func TestUndoNeedsTheSpecAlone(t *testing.T) {
	w := newWorld(t)
	all := len(Connect(w.bridged(t), &namespaces.Process{}))
	for taken := range all + 1 {
		t.Run(fmt.Sprintf("after %d steps", taken), func(t *testing.T) {
			s := w.bridged(t, "8080:80", hostIP+":8081:81/udp")
			onDisk := fresh(t, s)
			c := newPlace(t)
			require.NoError(t, namespaces.Take(Connect(s, &namespaces.Process{Pid: c.pid})[:taken], nil))
			require.NoError(t, namespaces.Undo(Connect(onDisk, &namespaces.Process{})))
			noNetworkLeft(t, s)
			require.NoError(t, namespaces.Undo(Connect(onDisk, &namespaces.Process{})), "twice")

			require.NoError(t, namespaces.Take(Connect(s, &namespaces.Process{Pid: c.pid})[:taken], nil))
			require.NoError(t, namespaces.Undo(Connect(bare(s), &namespaces.Process{})), "from the ID")
			noNetworkLeft(t, s)
		})
	}
}

// bare is all that is left of a Spec that is lost.
func bare(s *Spec) *Spec {
	lost := &Spec{Network: Network{Networks: s.Network.Networks}}
	lost.ID = s.ID
	return lost
}

// The Spec is lost: the ID, and where the leases are, is all that is known.
func TestUndoOfALostSpecNeedsTheIDAlone(t *testing.T) {
	w := newWorld(t)
	w.start(t, w.bridged(t, "9090:80")) // keeps the table
	s := w.bridged(t, "8080:80", hostIP+":8081:81/udp", "20000-21199:1-1200")
	require.NoError(t, namespaces.Take(Connect(s, &namespaces.Process{Pid: newPlace(t).pid}), nil))
	require.Contains(t, w.table(t), s.Network.Address().String())

	require.NoError(t, namespaces.Undo(Connect(bare(s), &namespaces.Process{})))
	require.NoError(t, namespaces.Undo(Connect(bare(s), &namespaces.Process{})), "twice")
	table := w.table(t)
	require.NotContains(t, table, s.Network.Address().String())
	require.Contains(t, table, "9090")
	require.NotContains(t, links(t), vethName(s.ID, "eth0"))
	require.False(t, exists(w.networks().record(DefaultNetwork).path(s.ID)))
}

func TestUndoTouchesNoOtherContainer(t *testing.T) {
	w := newWorld(t)
	web := w.start(t, w.bridged(t, "8080:80"))
	answer(t, web.place, 80)
	t.Run("another one comes and goes", func(t *testing.T) { w.start(t, w.bridged(t, "8081:80")) })

	loser := w.bridged(t, "9090:80", "8080:80") // without a Proxy nobody stops it earlier
	err := namespaces.Take(Connect(loser, &namespaces.Process{Pid: newPlace(t).pid}), nil)
	require.ErrorIs(t, err, unix.EADDRINUSE)
	require.ErrorContains(t, err, "network/publish: publish")
	require.NoError(t, namespaces.Undo(Connect(fresh(t, loser), &namespaces.Process{})))

	got, err := call(w.outside, TCP, hostIP+":8080")
	require.NoError(t, err, "the winner's port is still led to it")
	require.Equal(t, "hello from "+outsideIP, got)
	require.NotContains(t, w.table(t), "9090", "nothing of the loser's is left")
}

// R18 in small, and S54: set up together, gone together.
func TestFiftyContainersAtOnce(t *testing.T) {
	w := newWorld(t)
	specs := make([]*Spec, 50)
	places := make([]*place, len(specs))
	for i := range specs {
		specs[i], places[i] = w.bridged(t, fmt.Sprintf("%d:80", 20000+i)), newPlace(t)
	}
	together(specs, func(i int) {
		require.NoError(t, namespaces.Take(Connect(specs[i], &namespaces.Process{Pid: places[i].pid}), nil))
	})
	addresses := map[string]bool{}
	for i, s := range specs {
		addresses[s.Network.Address().String()] = true
		answer(t, places[i], 80)
		got, err := call(w.outside, TCP, fmt.Sprintf("%s:%d", hostIP, 20000+i))
		require.NoError(t, err)
		require.Equal(t, "hello from "+outsideIP, got)
	}
	require.Len(t, addresses, len(specs))
	together(specs, func(i int) {
		require.NoError(t, namespaces.Undo(Connect(specs[i], &namespaces.Process{})))
	})
	noNetworkLeft(t, specs[0])
}

// First ones make the bridge while last ones remove it.
func TestTheBridgeComesAndGoesUnderLoad(t *testing.T) {
	w := newWorld(t)
	specs := make([]*Spec, 8)
	together(specs, func(int) {
		c := newPlace(t)
		for range 10 {
			s := w.bridged(t)
			steps := Connect(s, &namespaces.Process{Pid: c.pid})
			require.NoError(t, namespaces.Take(steps, nil))
			_, err := call(c, TCP, hostIP+":1")
			require.ErrorIs(t, err, unix.ECONNREFUSED, "the host answers, so the wires hold")
			require.NoError(t, namespaces.Undo(steps))
		}
	})
	noNetworkLeft(t, w.bridged(t))
}

func together(specs []*Spec, do func(i int)) {
	var all sync.WaitGroup
	for i := range specs {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

func TestABridgeOfSomeoneElseIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	elsewhere := *w
	elsewhere.dir = t.TempDir()
	owner := w.start(t, w.bridged(t))

	s := elsewhere.bridged(t)
	s.Network.Networks.Table = owner.spec.Network.Networks.Table
	err := namespaces.Take(Connect(s, &namespaces.Process{Pid: newPlace(t).pid}), nil)
	require.ErrorContains(t, err, "network/bridge: make bridge "+s.Network.Networks.Table+": a link of that name exists")
	require.Contains(t, links(t), s.Network.Networks.Table)
	require.Contains(t, nft(t, "list", "tables"), s.Network.Networks.Table)
}

func TestASubnetThatTheHostRoutesElsewhereByNowIsRefused(t *testing.T) {
	w := newWorld(t)
	t.Run("chosen", func(t *testing.T) { w.start(t, w.bridged(t)) })
	s := w.bridged(t)
	d, err := w.networks().Find(DefaultNetwork)
	require.NoError(t, err)
	subnet := d.Subnets[0].Prefix
	route := &netlink.Route{Dst: ipNet(netip.PrefixFrom(subnet.Addr(), 24)), Gw: net.ParseIP(outsideIP)}
	require.NoError(t, netlink.RouteAdd(route))

	err = namespaces.Take(Connect(s, &namespaces.Process{Pid: newPlace(t).pid}), nil)
	require.ErrorContains(t, err, "the host has a route to "+route.Dst.String()+" by now")
	noNetworkLeft(t, s)
	require.NoError(t, os.Remove(w.networks().record(DefaultNetwork).path(definitionFile)))
	w.start(t, s)
	require.False(t, subnet.Contains(s.Network.Address()), "another is chosen")
}

// A crash after the bridge was made and before it was up.
func TestABridgeHalfMadeIsFinished(t *testing.T) {
	w := newWorld(t)
	s := w.bridged(t)
	d, err := w.networks().Default()
	require.NoError(t, err)
	require.NoError(t, addBridge(w.networks().record(DefaultNetwork), d))
	c := w.start(t, s)
	_, err = call(c.place, TCP, hostIP+":1")
	require.ErrorIs(t, err, unix.ECONNREFUSED)
}

func TestForwardingIsSwitchedOn(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("0"), 0))
	w.start(t, w.bridged(t))
	value, err := os.ReadFile("/proc/sys/net/ipv4/ip_forward")
	require.NoError(t, err)
	require.Equal(t, "1\n", string(value))
}
