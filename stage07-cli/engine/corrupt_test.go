package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"cooper/stage07-cli/engine"
	"cooper/stage07-cli/shim/state"
	"github.com/stretchr/testify/require"
)

func TestABrokenRecordBreaksNothingElse(t *testing.T) {
	b := newBench(t)
	good := b.started(t, options("sleep", "1000"))
	for _, c := range []struct {
		name  string
		file  string
		spoil func(t *testing.T, path string)
	}{
		{"a truncated config", state.ConfigFile, func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 50)) }},
		{"an empty config", state.ConfigFile, func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 0)) }},
		{"a huge config", state.ConfigFile, func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 1<<30)) }},
		{"a missing config", state.ConfigFile, func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }},
		{"another container's config", state.ConfigFile, func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte(`{"id":"x"}`), 0o600))
		}},
		{"a config of wrong types", state.ConfigFile, func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte(`{"id":7}`), 0o600))
		}},
		{"a symlink for a config", state.ConfigFile, func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Symlink("/etc/passwd", path))
		}},
		{"a status of noise", state.StatusFile, func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, []byte("\x00\xff"), 0o600))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options("sleep", "1000")
			o.Name = "broken"
			id := b.started(t, o)
			c.spoil(t, filepath.Join(b.root, "containers", id, c.file))

			list, err := b.List(false)
			require.NoError(t, err)
			require.Len(t, list, 2)
			for _, s := range list {
				if s.ID == good {
					require.Equal(t, "running", s.State)
				} else {
					require.Equal(t, "corrupt", s.State)
					require.NotEmpty(t, s.Problem)
				}
			}
			_, err = b.Start(t.Context(), "broken", engine.StartOptions{})
			require.ErrorContains(t, err, "rm -f")
			require.NoError(t, b.Remove(t.Context(), "broken", engine.RemoveOptions{Force: true}))
			list, err = b.List(true)
			require.NoError(t, err)
			require.Len(t, list, 1)
			_, err = b.Create(t.Context(), o)
			require.NoError(t, err, "its name is free again")
			require.NoError(t, b.Remove(t.Context(), "broken", engine.RemoveOptions{}))
		})
	}
}

func TestNamesCantLeadOutOfTheStateDirectory(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"../x", "a/b", "-x", "a\nb", "a\x1b[31m", "%2e%2e", "a\x00b", "．．", string(make([]byte, 300)), ".."} {
		o := options("true")
		o.Name = name
		_, err := b.Create(t.Context(), o)
		require.ErrorIs(t, err, engine.ErrInvalid, "%q", name)
		require.NotContains(t, err.Error(), "\x1b")
		_, err = b.Inspect(name)
		require.ErrorIs(t, err, engine.ErrNotFound, "%q", name)
		require.ErrorIs(t, b.Remove(t.Context(), name, engine.RemoveOptions{Force: true}), engine.ErrNotFound)
		_, err = b.CreateVolume(name, nil)
		require.ErrorIs(t, err, engine.ErrInvalid, "%q", name)
		require.ErrorIs(t, b.RemoveVolume(name), engine.ErrNotFound)
	}
}

func TestStateIsForUsAlone(t *testing.T) {
	b := newBench(t)
	id := b.started(t, options("sleep", "1000"))
	for _, top := range []string{b.root, b.run} {
		info, err := os.Stat(top)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	}
	socket, err := os.Lstat(filepath.Join(b.run, id, state.SocketFile))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), socket.Mode().Perm())
	for _, file := range []string{state.ConfigFile, state.SpecFile, state.StatusFile, state.LockFile} {
		info, err := os.Lstat(filepath.Join(b.root, "containers", id, file))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), file)
	}
	names, err := os.ReadFile("/proc/net/unix")
	require.NoError(t, err)
	require.NotContains(t, string(names), "@cooper", "no abstract socket")

	open := t.TempDir()
	require.NoError(t, os.Chmod(open, 0o777))
	_, err = engine.Open(open, b.run)
	require.ErrorContains(t, err, "others may write there")
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(b.root, link))
	_, err = engine.Open(link, b.run)
	require.ErrorContains(t, err, "not a directory")
}
