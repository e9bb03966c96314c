package engine_test

import (
	"archive/tar"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"cooper/stage06-network"
	"cooper/stage07-cli/archive"
	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

// tarOf packs names and contents; a name with a slash at the end is a directory.
func tarOf(t *testing.T, pairs ...string) io.Reader {
	t.Helper()
	var text bytes.Buffer
	w := tar.NewWriter(&text)
	for i := 0; i < len(pairs); i += 2 {
		h := &tar.Header{Name: pairs[i], Mode: 0o644, Size: int64(len(pairs[i+1])), Uid: 1000, Gid: 100}
		require.NoError(t, w.WriteHeader(h))
		_, err := w.Write([]byte(pairs[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return &text
}

func (b *bench) fileIn(t *testing.T, id, path string) string {
	t.Helper()
	var content []byte
	require.NoError(t, b.ReadArchive(t.Context(), id, archive.Source{Path: path}, "x", func(r io.Reader) error {
		entries := tar.NewReader(r)
		_, err := entries.Next()
		require.NoError(t, err)
		content, err = io.ReadAll(entries)
		return err
	}))
	return string(content)
}

func TestFilesAreCopiedIntoContainersThatRunAndThatDont(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	other := b.started(t, options("sleep", "1000"))
	for _, mode := range []network.Mode{network.None, "bridge", network.Mode("container:" + other)} {
		copyThroughoutALife(t, b, mode)
	}
}

func copyThroughoutALife(t *testing.T, b *bench, mode network.Mode) {
	o := options("sh", "-c", "mkdir -p /there; echo ours > /there/own; exec sleep 1000")
	o.CapDrop, o.Network = []string{"ALL"}, mode
	volume := t.TempDir()
	o.Mounts = []engine.Mount{{Type: "bind", Source: volume, Destination: "/volume"}}
	created, err := b.Create(t.Context(), o)
	require.NoError(t, err)
	for _, when := range []string{"created", "running", "paused", "stopped"} {
		switch when {
		case "running":
			_, err := b.Start(t.Context(), created, engine.StartOptions{})
			require.NoError(t, err)
		case "paused":
			require.NoError(t, b.Pause(created))
		case "stopped":
			require.NoError(t, b.Unpause(created))
			require.NoError(t, b.Kill(t.Context(), created, "KILL"))
			_, err := b.Wait(t.Context(), created)
			require.NoError(t, err)
		}
		require.NoError(t, b.WriteArchive(t.Context(), created, "/volume", tarOf(t, "f", when, "sub/f", when)), when)
		require.NoError(t, b.WriteArchive(t.Context(), created, "/etc", tarOf(t, "f", when)), when)
		content, err := os.ReadFile(filepath.Join(volume, "sub/f"))
		require.NoError(t, err)
		require.Equal(t, when, string(content), "a volume is there")
		require.Equal(t, when, b.fileIn(t, created, "/etc/f"))
		require.Equal(t, when, b.fileIn(t, created, "/volume/f"))
		stat, err := b.StatPath(t.Context(), created, archive.Source{Path: "/etc/f"})
		require.NoError(t, err)
		require.EqualValues(t, len(when), stat.Size)
		_, err = b.StatPath(t.Context(), created, archive.Source{Path: "/nope/f"})
		require.ErrorIs(t, err, engine.ErrNotFound)
		require.ErrorContains(t, err, "Could not find the file /nope/f in container")
	}
}

// S31: paths that lead out of the container's root, if they are followed from
// outside, and that change while they are followed.
func TestNoPathInAContainerLeadsCpOutOfIt(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(outside+"/secret", []byte("the host's"), 0o644))
	o := options("sh", "-c", `
		ln -s `+outside+` /straight; ln -s ../../../../../..`+outside+` /up; ln -s `+outside+`/secret /file
		mkdir -p /d`+outside+`; echo "the container's" > /d`+outside+`/secret
		while :; do mv /d /e; ln -s / /d; rm /d; mv /e /d; done`)
	id := b.started(t, o)
	for _, path := range []string{"/straight/secret", "/up/secret", "/file"} {
		_, err := b.StatPath(t.Context(), id, archive.Source{Path: path, Follow: true})
		require.ErrorIs(t, err, engine.ErrNoPath, path)
	}
	written, seen := 0, 0
	for range 100 { // where nothing is at the moment, there is an error
		if b.WriteArchive(t.Context(), id, "/d"+outside, tarOf(t, "pwned", "here")) == nil {
			written++
		}
		_ = b.ReadArchive(t.Context(), id, archive.Source{Path: "/d" + outside + "/secret"}, "x", func(r io.Reader) error {
			entries := tar.NewReader(r)
			if _, err := entries.Next(); err != nil {
				return err
			}
			content, err := io.ReadAll(entries)
			require.Equal(t, "the container's\n", string(content))
			seen++
			return err
		})
		require.NoFileExists(t, outside+"/pwned")
	}
	require.NotZero(t, written)
	require.NotZero(t, seen)
}
