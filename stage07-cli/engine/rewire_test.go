package engine_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"cooper/stage06-network"
	"cooper/stage07-cli/engine"
	"cooper/stage07-cli/shim/state"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The last thing a connect does is to write down what it has made: before that
// kill -9 leaves a place on the network that the container's Spec doesn't know.
func TestAConnectThatWasKilledIsSetRightByTheNextCommand(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	_, err := b.CreateNetwork(engine.Network{Name: "late", Driver: network.Bridge})
	require.NoError(t, err)
	o := options("sleep", "1000")
	o.Network = "bridge"
	id := b.started(t, o)
	path := filepath.Join(b.root, "containers", id, state.SpecFile)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	kill := func() {
		require.NoError(t, b.Connect(id, engine.Endpoint{Network: "late"}))
		require.NoError(t, os.WriteFile(path, before, 0o600))
		require.Contains(t, b.execed(t, id, "ip", "link"), "eth1")
	}

	kill()
	require.NoError(t, b.Connect(id, engine.Endpoint{Network: "late", Aliases: []string{"again"}}))
	require.ErrorContains(t, b.Connect(id, engine.Endpoint{Network: "late"}), "already exists in network late")
	require.NoError(t, b.Disconnect(id, "late", false))
	require.NotContains(t, b.execed(t, id, "ip", "link"), "eth1")
	require.ErrorContains(t, b.Disconnect(id, "late", false), "is not connected to network late")

	kill()
	require.NoError(t, b.Disconnect(id, "late", false))
	require.NotContains(t, b.execed(t, id, "ip", "link"), "eth1")
	require.NoError(t, b.RemoveNetwork("late"))

	_, err = b.CreateNetwork(engine.Network{Name: "late", Driver: network.Bridge})
	require.NoError(t, err)
	kill()
	require.NoError(t, b.Remove(t.Context(), id, engine.RemoveOptions{Force: true}))
	require.NoError(t, b.RemoveNetwork("late"))
	b.mustBeTidy(t)
}

// The next command is the one that wants the same, not one that looks first.
func TestWhatADeadContainerHoldsTheNextOneGets(t *testing.T) {
	b := newBench(t)
	_, err := b.CreateNetwork(engine.Network{Name: "shop", Driver: network.Bridge, Subnets: []network.Subnet{{Prefix: netip.MustParsePrefix("10.117.10.0/24")}}})
	require.NoError(t, err)
	die := func(o engine.CreateOptions) string {
		id := b.started(t, o)
		shim := b.state(t, id).ShimPid
		require.NoError(t, unix.Kill(shim, unix.SIGKILL))
		awaitEnd(t, shim)
		return id
	}
	o := options("sleep", "1000")
	o.Network = "shop"

	for what, ask := range map[string]func(*engine.CreateOptions){
		"address": func(o *engine.CreateOptions) {
			o.Endpoints = []engine.Endpoint{{Network: "shop", IP: netip.MustParseAddr("10.117.10.9")}}
		},
		"port": func(o *engine.CreateOptions) {
			o.Ports = []engine.Port{{HostPort: 18080, ContainerPort: 80, Protocol: network.UDP}}
		},
		"some port": func(o *engine.CreateOptions) {
			o.Ports = []engine.Port{{HostPort: 18081, HostPortLast: 18082, ContainerPort: 80, Protocol: network.TCP}}
		},
		"alias": func(o *engine.CreateOptions) {
			o.Endpoints = []engine.Endpoint{{Network: "shop", Aliases: []string{"web"}}}
		},
		"name, --rm": func(o *engine.CreateOptions) { o.Name, o.AutoRemove = "web", true },
	} {
		o := o
		ask(&o)
		dead := die(o)
		alive := b.started(t, o)
		require.True(t, b.state(t, alive).Running, what)
		d, err := b.Network("shop")
		require.NoError(t, err)
		places, err := b.Places(d)
		require.NoError(t, err)
		require.Len(t, places, 1, "%s: only the living one is on the network", what)
		require.NotContains(t, places, dead)
		require.NoError(t, b.Remove(t.Context(), alive, engine.RemoveOptions{Force: true}))
		b.removeAll(t)
	}
	require.NoError(t, b.RemoveNetwork("shop"))
	b.mustBeTidy(t)
}

// With --rm the end of such a container is that it is gone.
func TestWhatIsAskedOfADeadContainerThatWasToBeRemovedFindsNone(t *testing.T) {
	b := newBench(t)
	for what, ask := range map[string]func(id string) error{
		"connect": func(id string) error { return b.Connect(id, engine.Endpoint{Network: "bridge"}) },
		"start": func(id string) error {
			_, err := b.Start(t.Context(), id, engine.StartOptions{})
			return err
		},
	} {
		o := options("sleep", "1000")
		o.AutoRemove = true
		id := b.started(t, o)
		shim := b.state(t, id).ShimPid
		require.NoError(t, unix.Kill(shim, unix.SIGKILL))
		awaitEnd(t, shim)
		require.ErrorIs(t, ask(id), engine.ErrNotFound, what)
	}
	b.mustBeTidy(t)
}
