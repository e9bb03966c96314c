package engine_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cooper/stage06-network"
	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

// 500 containers with an address, a name and a published port each, fifty at
// once. While they are there, no two have the same; afterwards there is no
// address, link, rule or namespace left.
func TestManyOnANetworkShareNothingAndLeaveNothing(t *testing.T) {
	b := newBench(t)
	_, err := b.CreateNetwork(engine.Network{Name: "crowd", Driver: network.Bridge, Subnets: []network.Subnet{{Prefix: netip.MustParsePrefix("10.117.9.0/25")}}})
	require.NoError(t, err)
	first := crowded("true")
	first.AutoRemove = true
	b.finished(t, first, "") // makes what is made once
	links, rules := hostLinks(t), hostRules(t)
	begin, rounds := time.Now(), scaled(2, 10)
	for range rounds {
		ids := b.crowd(t, 50)
		given := map[string]bool{}
		for _, id := range ids {
			in, err := b.Inspect(id)
			require.NoError(t, err)
			address, port := in.NetworkSettings.Networks["crowd"].IPAddress, in.NetworkSettings.Ports["80/tcp"][0].HostPort
			require.False(t, given[address] || given[port], "%s %s", address, port)
			given[address], given[port] = true, true
		}
		b.atOnce(t, ids, func(id string) error { return b.Remove(t.Context(), id, engine.RemoveOptions{Force: true}) })
	}
	t.Logf("%d containers: %v each", 50*rounds, time.Since(begin)/time.Duration(50*rounds))
	require.Equal(t, links, hostLinks(t))
	require.Equal(t, rules, hostRules(t))
	d, err := b.Network("crowd")
	require.NoError(t, err)
	places, err := b.Places(d)
	require.NoError(t, err)
	require.Empty(t, places)
	require.NoError(t, b.RemoveNetwork("crowd"))
	b.mustBeTidy(t)
}

func crowded(args ...string) engine.CreateOptions {
	o := options(args...)
	o.Network, o.Ports = "crowd", []engine.Port{{ContainerPort: 80, Protocol: network.TCP}}
	return o
}

// crowd starts n containers at once and returns their ids.
func (b *bench) crowd(t *testing.T, n int) (ids []string) {
	var lock sync.Mutex
	b.atOnce(t, make([]string, n), func(string) error {
		s, err := b.Run(t.Context(), crowded("sleep", "1000"), engine.StartOptions{})
		lock.Lock()
		defer lock.Unlock()
		if s != nil {
			ids = append(ids, s.ID)
		}
		return err
	})
	return ids
}

func (b *bench) atOnce(t *testing.T, ids []string, do func(id string) error) {
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			if err := do(id); err != nil {
				t.Errorf("container %s: %v", id, err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func hostLinks(t *testing.T) (names []string) {
	for line := range strings.Lines(told(t, "ip", "-o", "-brief", "link")) {
		names = append(names, strings.Fields(line)[0])
	}
	return names
}

func hostRules(t *testing.T) string { return told(t, "nft", "list", "ruleset") }

func told(t *testing.T, program string, args ...string) string {
	out, err := exec.Command(program, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return strings.TrimSpace(string(out))
}

// Some of them are connected in time, some end in the middle, some before.
func TestAContainerThatEndsWhileItIsConnectedLeavesNothing(t *testing.T) {
	b := newBench(t)
	_, err := b.CreateNetwork(engine.Network{Name: "late", Driver: network.Bridge})
	require.NoError(t, err)
	for round := range scaled(40, 120) {
		o := options("sleep", fmt.Sprintf("0.0%02d", round%20))
		o.Network, o.AutoRemove = "bridge", round%2 == 0
		o.Ports = []engine.Port{{HostPort: 18090, ContainerPort: 80, Protocol: network.TCP}}
		s, err := b.Run(t.Context(), o, engine.StartOptions{})
		require.NoError(t, err, "round %d: the port is the last one's still", round)
		err = b.Connect(s.ID, engine.Endpoint{Network: "late", GatewayPriority: 1}) // the port is led there
		if !o.AutoRemove || !errors.Is(err, engine.ErrNotFound) {
			require.NoError(t, err, "round %d", round)
		}
		_, _ = b.Wait(t.Context(), s.ID)
	}
	d, err := b.Network("late")
	require.NoError(t, err)
	b.removeAll(t)
	places, err := b.Places(d)
	require.NoError(t, err)
	require.Empty(t, places)
	require.NoError(t, b.RemoveNetwork("late"))
	b.mustBeTidy(t)
}

// The others are told that there is none, and who prunes doesn't mind.
func TestANetworkIsRemovedByWhoeverIsFirst(t *testing.T) {
	b := newBench(t)
	filter, err := b.NetworkPruneFilter(nil)
	require.NoError(t, err)
	for round := range scaled(20, 200) {
		_, err := b.CreateNetwork(engine.Network{Name: "short", Driver: network.Bridge, Subnets: []network.Subnet{{Prefix: netip.MustParsePrefix("10.117.11.0/24")}}})
		require.NoError(t, err)
		var removed atomic.Int32
		b.atOnce(t, make([]string, 8), func(string) error {
			err := b.RemoveNetwork("short")
			if err == nil {
				removed.Add(1)
			}
			if errors.Is(err, engine.ErrNotFound) {
				err = nil
			}
			pruned, pruneErr := b.PruneNetworks(filter)
			removed.Add(int32(len(pruned)))
			return errors.Join(err, pruneErr)
		})
		require.EqualValues(t, 1, removed.Load(), "round %d", round)
	}
}
