package engine_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"cooper/stage01-namespaces"
	"cooper/stage07-cli/engine"
	"cooper/stage07-cli/shim/state"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAVolumeOutlivesItsContainers(t *testing.T) {
	b := newBench(t)
	data := []engine.Mount{{Type: "volume", Source: "data", Destination: "/data"}}
	write := options("sh", "-c", "echo kept > /data/file")
	write.Mounts, write.AutoRemove = data, true
	require.Zero(t, b.finished(t, write, "").code)

	read := options("cat", "/data/file")
	read.Mounts, read.Name = data, "reader"
	require.Equal(t, "kept\n", b.finished(t, read, "").out)
	err := b.RemoveVolume("data")
	require.ErrorIs(t, err, engine.ErrConflict)
	require.ErrorContains(t, err, "volume is in use")

	require.NoError(t, b.Remove(t.Context(), "reader", engine.RemoveOptions{Volumes: true}))
	volumes, err := b.Volumes()
	require.NoError(t, err)
	require.Len(t, volumes, 1, "rm -v takes only those without a name")
	require.NoError(t, b.RemoveVolume("data"))
	require.ErrorIs(t, b.RemoveVolume("data"), engine.ErrNotFound)
}

func TestANewVolumeGetsWhatTheImageHasThere(t *testing.T) {
	b := newBench(t)
	o := options("sh", "-c", "mkdir -p /srv/deep; echo first > /srv/deep/file; ln -s file /srv/deep/link; chown 7:8 /srv/deep/file; chmod 640 /srv/deep/file")
	o.Name = "maker"
	require.Zero(t, b.finished(t, o, "").code)
	_, err := b.Commit(t.Context(), "maker", engine.CommitOptions{Name: "withdata", Changes: []string{"VOLUME /srv"}})
	require.NoError(t, err)

	use := engine.CreateOptions{Image: "withdata", Network: "none", Args: []string{"sh", "-c", "stat -c '%u:%g %a' /srv/deep/file; cat /srv/deep/link; echo mine > /srv/deep/file"}}
	use.Mounts = []engine.Mount{{Type: "volume", Source: "named", Destination: "/srv"}}
	require.Equal(t, "7:8 640\nfirst\n", b.finished(t, use, "").out)
	require.Equal(t, "7:8 640\nmine\n", b.finished(t, use, "").out, "what is there stays")
	use.Mounts[0].Source, use.Mounts[0].NoCopy = "empty", true
	require.NotZero(t, b.finished(t, use, "").code)

	use.Mounts = nil // the image's own VOLUME
	use.AutoRemove = true
	require.Equal(t, "7:8 640\nfirst\n", b.finished(t, use, "").out)
	volumes, err := b.Volumes()
	require.NoError(t, err)
	require.Len(t, volumes, 2, "the anonymous one went with --rm")
	b.removeAll(t)
	for _, name := range []string{"named", "empty"} {
		require.NoError(t, b.RemoveVolume(name))
	}
}

func TestABindMountIsTheHostsDirectory(t *testing.T) {
	b := newBench(t)
	host := t.TempDir()
	o := options("sh", "-c", "echo out > /m/file; touch /ro/file")
	o.Mounts = []engine.Mount{{Type: "bind", Source: host, Destination: "/m"}, {Type: "bind", Source: host, Destination: "/ro", ReadOnly: true}}
	r := b.finished(t, o, "")
	require.Contains(t, r.err, "Read-only file system")
	text, err := os.ReadFile(filepath.Join(host, "file"))
	require.NoError(t, err)
	require.Equal(t, "out\n", string(text))

	o.Mounts = []engine.Mount{{Type: "bind", Source: filepath.Join(host, "new"), Destination: "/m"}}
	_, err = b.Create(t.Context(), o)
	require.ErrorContains(t, err, "bind source path does not exist")
	o.Mounts[0].CreateHost = true
	_, err = b.Create(t.Context(), o)
	require.NoError(t, err)
	require.DirExists(t, filepath.Join(host, "new"))
	for _, bad := range []engine.Mount{
		{Type: "bind", Source: "relative", Destination: "/m"}, {Type: "volume", Source: "../x", Destination: "/m"},
		{Type: "volume", Destination: "m"}, {Type: "volume", Destination: "/"}, {Type: "else", Destination: "/m"},
	} {
		o.Mounts = []engine.Mount{bad}
		_, err := b.Create(t.Context(), o)
		require.ErrorIs(t, err, engine.ErrInvalid, "%+v", bad)
	}
	volumes, err := b.Volumes()
	require.NoError(t, err)
	require.Empty(t, volumes)
}

func TestACommitKeepsWhatChanged(t *testing.T) {
	b := newBench(t)
	o := options("sh", "-c", "echo new > /new; rm /bin/vi; echo ready; sleep 1000")
	o.Env, o.Name = []string{"WHO=me"}, "source"
	b.started(t, o)
	out := newTap()
	go func() { _ = b.Logs(t.Context(), "source", engine.LogsOptions{Follow: true, Tail: -1, Out: out}) }()
	out.await(t, "ready")
	id, err := b.Commit(t.Context(), "source", engine.CommitOptions{Name: "copy:1", Changes: []string{`CMD ["cat", "/new"]`}})
	require.NoError(t, err)
	img, err := b.Images().Find("copy:1")
	require.NoError(t, err)
	require.Equal(t, id, img.ID.String())
	require.True(t, b.state(t, "source").Running, "it goes on")
	require.Equal(t, "new\n", b.finished(t, engine.CreateOptions{Image: "copy:1", Network: "none"}, "").out)
	require.NotZero(t, b.finished(t, engine.CreateOptions{Image: "copy:1", Network: "none", Args: []string{"ls", "/bin/vi"}}, "").code)

	_, err = b.RemoveImage(t.Context(), "copy:1", false)
	require.ErrorIs(t, err, engine.ErrConflict)
	b.removeAll(t)
	report, err := b.RemoveImage(t.Context(), "copy:1", false)
	require.NoError(t, err)
	require.Contains(t, report, "Untagged: copy:1")
}

func (b *bench) removeAll(t *testing.T) {
	t.Helper()
	list, err := b.List(true)
	require.NoError(t, err)
	for _, c := range list {
		require.NoError(t, b.Remove(t.Context(), c.ID, engine.RemoveOptions{Force: true, Volumes: true}))
	}
}

func TestCleanupFindsWhatDoctorNames(t *testing.T) {
	b := newBench(t)
	id := b.started(t, options("sleep", "1000"))
	left := filepath.Join(b.root, "tmp", "abc.4194303.1.boot.1")
	require.NoError(t, os.Mkdir(left, 0o700))
	require.NoError(t, os.Symlink("../containers/gone", filepath.Join(b.root, "names", "loose")))
	shim := b.state(t, id).ShimPid
	require.NoError(t, unix.Kill(shim, unix.SIGKILL))
	awaitEnd(t, shim)

	named := 0
	for _, f := range b.Doctor(t.Context()) {
		if f.Name == "leftovers" && !f.OK {
			named++
			require.NotEmpty(t, f.Advice)
		}
	}
	require.GreaterOrEqual(t, named, 2)
	removed, err := b.Cleanup(t.Context())
	require.NoError(t, err)
	require.Contains(t, removed, left)
	require.Contains(t, removed, "the name loose")
	removed, err = b.Cleanup(t.Context())
	require.NoError(t, err)
	require.Empty(t, removed)
}

func TestAHungWriterOfStateHurtsOnlyItsContainer(t *testing.T) {
	b := newBench(t)
	stuck := b.started(t, options("sleep", "1000"))
	lock, err := state.Lock(filepath.Join(b.root, "containers", stuck, state.LockFile))
	require.NoError(t, err)
	require.Zero(t, b.finished(t, options("true"), "").code, "others go on")
	list, err := b.List(true)
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.NoError(t, b.Logs(t.Context(), stuck, engine.LogsOptions{Tail: -1, Out: new(bytes.Buffer)}))
	require.NoError(t, lock.Close())
}

// A mapping is of the mount and not of the files: what is root's on the disk is
// user 1000's in there, and the other way round.
func TestAnIDMappedMountIsSeenWithOtherOwners(t *testing.T) {
	b := newBench(t)
	host := t.TempDir()
	require.NoError(t, os.Chmod(host, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(host, "file"), nil, 0o644))
	mapping := []namespaces.IDMapping{{ContainerID: 0, HostID: 1000, Size: 1}}
	for _, m := range []engine.Mount{
		{Type: "bind", Source: host, Destination: "/v"},
		{Type: "volume", Source: "data", Destination: "/v"},
	} {
		m.Options, m.UIDMappings, m.GIDMappings = []string{"ridmap"}, mapping, mapping
		o := options("sh", "-c", "touch /v/file /v/new && stat -c %u:%g /v/file /v/new")
		o.User, o.Mounts = "1000:1000", []engine.Mount{m}
		require.Equal(t, result{out: "1000:1000\n1000:1000\n"}, b.finished(t, o, ""), m.Type)
	}
	data, err := b.Volume("data")
	require.NoError(t, err)
	for _, dir := range []string{host, data.Mountpoint} {
		var st unix.Stat_t
		require.NoError(t, unix.Stat(filepath.Join(dir, "new"), &st))
		require.Zero(t, st.Uid)
		require.Zero(t, st.Gid)
	}
}
