package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// watchScopes hears of each unit that systemd forgets.
func watchScopes(t *testing.T) <-chan *dbus.Signal {
	t.Helper()
	bus, err := dbus.ConnectSystemBus()
	require.NoError(t, err)
	t.Cleanup(func() { bus.Close() })
	removals := make(chan *dbus.Signal, 64)
	bus.Signal(removals)
	const manager = "org.freedesktop.systemd1.Manager"
	require.NoError(t, bus.AddMatchSignal(dbus.WithMatchInterface(manager), dbus.WithMatchMember("UnitRemoved")))
	require.NoError(t, bus.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1").Call(manager+".Subscribe", 0).Err)
	return removals
}

func TestWhereSystemdRunsContainersAreInItsScopes(t *testing.T) {
	if cgroups.Driver() != cgroups.Systemd {
		t.Skip("wants systemd, and its tree of version 2")
	}
	b := newBench(t)
	b.CgroupDriver = ""
	removals := watchScopes(t)
	info, err := b.Info()
	require.NoError(t, err)
	require.Equal(t, "systemd", info.CgroupDriver)

	o := options("sleep", "1000")
	o.CgroupParent, o.Limits.Memory = "web-shop.slice", 64<<20
	id := b.started(t, o)
	scope := filepath.Join("/web.slice/web-shop.slice", "cooper-"+id+".scope")
	in := func(pid int) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
		require.NoError(t, err)
		return strings.TrimSpace(strings.TrimPrefix(string(text), "0::"))
	}
	s := b.state(t, id)
	require.Equal(t, scope+"/container", in(s.Pid))
	require.Equal(t, scope+"/supervisor", in(s.ShimPid))
	require.Contains(t, b.execed(t, id, "cat", "/proc/self/cgroup"), "0::/\n", "one that joins is in the same group")

	require.NoError(t, b.Update(id, engine.Limits{Memory: 32 << 20, MemorySwap: 64 << 20}))
	limit, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", scope, "container/memory.max"))
	require.NoError(t, err)
	require.Equal(t, "33554432\n", string(limit))
	require.NoError(t, b.Pause(id))
	require.Equal(t, "paused", b.state(t, id).Status)
	require.NoError(t, b.Unpause(id))

	// Started again at once, with the scope of the first run perhaps still there.
	none := time.Duration(0)
	for range 3 {
		require.NoError(t, b.Stop(t.Context(), id, &none))
		_, err := b.Start(t.Context(), id, engine.StartOptions{})
		require.NoError(t, err)
	}

	// A killed shim takes the container with it, and what heals leaves no group.
	s = b.state(t, id)
	require.NoError(t, unix.Kill(s.ShimPid, unix.SIGKILL))
	awaitEnd(t, s.ShimPid)
	awaitEnd(t, s.Pid)
	require.Equal(t, "exited", b.state(t, id).Status)
	require.NoError(t, b.Remove(t.Context(), id, engine.RemoveOptions{}))
	for {
		if _, err := os.Stat("/sys/fs/cgroup" + scope); os.IsNotExist(err) {
			break
		}
		<-removals
	}

	o.CgroupParent = "web/shop"
	_, err = b.Create(t.Context(), o)
	require.ErrorContains(t, err, `cgroup parent "web/shop": with systemd it must be a slice, such as web.slice`)
}
