package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// donor starts a container that others join. It runs a script and then stays.
func (b *bench) donor(t *testing.T, script string, set func(*engine.CreateOptions)) string {
	o := options("sh", "-c", script+"; echo ready; exec sleep 1000")
	set(&o)
	a := b.attend(t, o, engine.Streams{})
	a.out.await(t, "ready")
	return a.ID
}

func ipc(mode string) func(*engine.CreateOptions) {
	return func(o *engine.CreateOptions) { o.Sharing.IPC = mode }
}

// shares runs a script in a container with these options.
func (b *bench) shares(t *testing.T, script string, set func(*engine.CreateOptions)) string {
	t.Helper()
	o := options("sh", "-c", script)
	set(&o)
	r := b.finished(t, o, "")
	require.Zero(t, r.code, "%s%s", r.out, r.err)
	return strings.TrimSpace(r.out)
}

// link reads a link of the container's first process in /proc.
func (b *bench) link(t *testing.T, id, name string) string {
	t.Helper()
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", b.state(t, id).Pid, name))
	require.NoError(t, err)
	return target
}

// file reads a file of a running container.
func (b *bench) file(t *testing.T, id, path string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/root%s", b.state(t, id).Pid, path))
	require.NoError(t, err)
	return string(text)
}

// Shared memory is files in /dev/shm, message queues are those that the ipc
// namespace has, and the one is of no use without the other.
func TestWhoJoinsAnIPCNamespaceSharesItsMemoryAndItsQueues(t *testing.T) {
	b := newBench(t)
	donor := b.donor(t, "echo mark > /dev/shm/mark; touch /dev/mqueue/queue", func(o *engine.CreateOptions) {
		o.Sharing.IPC, o.ShmSize = "shareable", 1<<20
	})
	const look = "readlink /proc/self/ns/ipc; ls /dev/mqueue; grep ' /dev/shm ' /proc/mounts; cat /dev/shm/*; echo back > /dev/shm/back"
	lines := strings.Split(b.shares(t, look, ipc("container:"+donor)), "\n")
	require.Equal(t, b.link(t, donor, "ns/ipc"), lines[0])
	require.Equal(t, "queue", lines[1])
	require.Contains(t, lines[2], "tmpfs /dev/shm tmpfs rw,nosuid,nodev,noexec,relatime,size=1024k")
	require.Equal(t, []string{"mark"}, lines[3:])
	require.Equal(t, "back\n", b.file(t, donor, "/dev/shm/back"))

	joined := b.donor(t, "true", ipc("container:"+donor))
	require.Equal(t, "back\nmark", b.shares(t, "cat /dev/shm/*", ipc("container:"+joined)), "who has joined is as open as whom it joined")
	require.Equal(t, "0", b.shares(t, "ls /dev/shm | wc -l", func(o *engine.CreateOptions) {
		o.Sharing.IPC = "container:" + donor
		o.Mounts = []engine.Mount{{Type: "tmpfs", Destination: "/dev/shm"}}
	}), "what the user mounts there comes first")

	// It is the host's mount table that nothing of this is in; notrace looks.
	require.NoError(t, b.Remove(t.Context(), donor, engine.RemoveOptions{Force: true}))
	require.Equal(t, "mark\n", b.file(t, joined, "/dev/shm/mark"), "it lasts as long as anybody has it")
}

func TestTheIPCModesAreDockers(t *testing.T) {
	b := newBench(t)
	host, err := os.Readlink("/proc/self/ns/ipc")
	require.NoError(t, err)
	var st unix.Stat_t
	require.NoError(t, unix.Stat("/dev/shm", &st))
	hosts := fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	const look = "readlink /proc/self/ns/ipc; stat -c %d:%i /dev/shm 2>/dev/null || echo none"
	for mode, want := range map[string]struct{ own, shm, joinable bool }{
		"": {true, true, false}, "private": {true, true, false}, "shareable": {true, true, true},
		"none": {true, false, false}, "host": {false, true, true},
	} {
		namespace, shm, _ := strings.Cut(b.shares(t, look, ipc(mode)), "\n")
		require.Equal(t, want.own, namespace != host, mode)
		require.Equal(t, want.shm, shm != "none", mode)
		require.Equal(t, mode == "host", shm == hosts, "the host's /dev/shm: %q", mode)

		donor := b.donor(t, "true", ipc(mode))
		o := options("true")
		o.Sharing.IPC = "container:" + donor
		_, err := b.Run(t.Context(), o, engine.StartOptions{})
		if want.joinable {
			require.NoError(t, err, mode)
			continue
		}
		require.ErrorIs(t, err, engine.ErrConflict, mode)
		require.ErrorContains(t, err, "make it with --ipc shareable", mode)
	}
}

func TestWhoJoinsAPIDNamespaceSeesItsProcessesAndEndsWithIt(t *testing.T) {
	b := newBench(t)
	donor := b.donor(t, "true", func(*engine.CreateOptions) {})
	o := options("sh", "-c", "tr '\\0' ' ' < /proc/1/cmdline; echo; echo $$; exec sleep 1000")
	o.Sharing.PID = "container:" + donor
	a := b.attend(t, o, engine.Streams{})
	a.out.await(t, "sleep 1000 \n")
	require.NotContains(t, a.out.String(), "\n1\n", "it isn't the first process")
	require.NoError(t, b.Kill(t.Context(), donor, "KILL"))
	require.Equal(t, 137, a.end(t).code, "a pid namespace ends with its first process")
}

func TestWhoJoinsANetworkHasItsAddressAndItsFiles(t *testing.T) {
	b := newBench(t)
	donor := b.donor(t, "true", func(o *engine.CreateOptions) { o.Network, o.Hostname = "bridge", "cask" })
	in, err := b.Inspect(donor)
	require.NoError(t, err)
	out := b.shares(t, "readlink /proc/self/ns/net; cat /etc/hosts", func(o *engine.CreateOptions) {
		o.Network = engine.NetworkMode("container:" + donor)
	})
	require.True(t, strings.HasPrefix(out, b.link(t, donor, "ns/net")+"\n"), out)
	require.Regexp(t, in.NetworkSettings.IPAddress+`\s+cask`, out)
	require.Contains(t, b.file(t, donor, "/etc/hosts"), "cask", "and the donor has them still")
}

func TestWithTheHostsUTSTheNameIsTheHosts(t *testing.T) {
	b := newBench(t)
	name, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, name, b.shares(t, "cat /proc/sys/kernel/hostname", func(o *engine.CreateOptions) { o.Sharing.UTS = "host" }))
	require.NotEqual(t, name, b.shares(t, "cat /proc/sys/kernel/hostname", func(*engine.CreateOptions) {}))
	for _, set := range []func(*engine.CreateOptions){
		func(o *engine.CreateOptions) { o.Hostname = "cask" },
		func(o *engine.CreateOptions) { o.Domainname = "cellar" },
	} {
		o := options("true")
		o.Sharing.UTS = "host"
		set(&o)
		_, err := b.Create(t.Context(), o)
		require.ErrorIs(t, err, engine.ErrInvalid)
		require.ErrorContains(t, err, "conflicting options")
	}
}

// Each start joins the donor that there is then, and none is no start.
func TestOnlyARunningContainerCanBeJoined(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		what, file string
		set        func(o *engine.CreateOptions, mode string)
	}{
		{"network", "net", func(o *engine.CreateOptions, mode string) { o.Network = engine.NetworkMode(mode) }},
		{"the ipc namespace", "ipc", func(o *engine.CreateOptions, mode string) { o.Sharing.IPC = mode }},
		{"the pid namespace", "pid", func(o *engine.CreateOptions, mode string) { o.Sharing.PID = mode }},
	} {
		o := options("sh", "-c", fmt.Sprintf("readlink /proc/self/ns/%s; exec sleep 1000", c.file))
		c.set(&o, "container:donor")
		_, err := b.Create(t.Context(), o)
		require.ErrorIs(t, err, engine.ErrNotFound)
		require.ErrorContains(t, err, "No such container: donor")

		donor := b.donor(t, "true", func(o *engine.CreateOptions) { o.Name, o.Sharing.IPC = "donor", "shareable" })
		id, err := b.Create(t.Context(), o)
		require.NoError(t, err)
		var seen []int
		for range 2 {
			session, err := b.Start(t.Context(), id, engine.StartOptions{})
			require.NoError(t, err)
			require.Nil(t, session)
			require.Equal(t, b.link(t, donor, "ns/"+c.file), b.link(t, id, "ns/"+c.file))
			require.NotContains(t, seen, b.state(t, donor).Pid)
			seen = append(seen, b.state(t, donor).Pid)

			require.NoError(t, b.Kill(t.Context(), donor, "KILL"))
			if c.file != "pid" { // that one ends with it
				require.NoError(t, b.Kill(t.Context(), id, "KILL"))
			}
			_, err = b.Wait(t.Context(), id)
			require.NoError(t, err)
			_, err = b.Start(t.Context(), id, engine.StartOptions{})
			require.ErrorIs(t, err, engine.ErrNotRunning)
			require.ErrorContains(t, err, "cannot join "+c.what+" of a non running container: Container "+donor)
			_, err = b.Start(t.Context(), donor, engine.StartOptions{})
			require.NoError(t, err)
		}
		require.NoError(t, b.Remove(t.Context(), donor, engine.RemoveOptions{Force: true}))
		_, err = b.Start(t.Context(), id, engine.StartOptions{})
		require.ErrorIs(t, err, engine.ErrNotFound)
		require.ErrorContains(t, err, "No such container: "+donor)
		require.NoDirExists(t, filepath.Join(b.run, id), "nothing was begun")
		require.NoError(t, b.Remove(t.Context(), id, engine.RemoveOptions{}))
	}
}

// One that is removed at its end isn't left behind by a start that failed.
func TestAContainerThatCanNotJoinIsRemovedIfThatWasAskedFor(t *testing.T) {
	b := newBench(t)
	donor := b.donor(t, "true", ipc("private"))
	o := options("true")
	o.Sharing.IPC, o.AutoRemove = "container:"+donor, true
	o.Mounts = []engine.Mount{{Type: "volume", Destination: "/data"}}
	_, err := b.Run(t.Context(), o, engine.StartOptions{})
	require.ErrorIs(t, err, engine.ErrConflict)
	list, err := b.List(true)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, donor, list[0].ID)
	volumes, err := b.Volumes()
	require.NoError(t, err)
	require.Empty(t, volumes)
}
