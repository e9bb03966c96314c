package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	unionfs "cooper/stage04-unionfs"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

func TestACommitAddsOneLayerAndItsHistory(t *testing.T) {
	s := newStore(t)
	base := put(t, s, "base", nil, "x=1")
	config := RunConfig{}
	config.Cmd, config.Labels = []string{"serve"}, map[string]string{"a": "b"}
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	layer := tarOf(t, "y=2")
	img, err := s.Commit(context.Background(), CommitOptions{
		Parent: base, Layer: bytes.NewReader(layer), Config: config,
		Author: "Ada", Comment: "more", CreatedBy: "sh -c x", Created: created, Name: "new:1",
	})
	require.NoError(t, err)
	require.Equal(t, append(base.Config.RootFS.DiffIDs[:1:1], digest.FromBytes(layer)), img.Config.RootFS.DiffIDs)
	require.Equal(t, base.Manifest.Layers[0], img.Manifest.Layers[0])
	require.Len(t, img.Config.History, 2)
	require.Equal(t, "sh -c x", img.Config.History[1].CreatedBy)
	require.Equal(t, "Ada", img.Config.Author)
	require.Equal(t, config, img.Config.Config)
	require.Equal(t, created, img.Created)
	require.Equal(t, base.Config.Platform, img.Config.Platform)
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))
	require.Equal(t, "2", readLayerFile(t, s, img, "y"))
	requireClean(t, s)

	again, err := s.Commit(context.Background(), CommitOptions{
		Parent: base, Layer: bytes.NewReader(layer), Config: config,
		Author: "Ada", Comment: "more", CreatedBy: "sh -c x", Created: created,
	})
	require.NoError(t, err)
	require.Equal(t, img.ID, again.ID, "the same content at the same time is the same image")
}

func TestALayerGoesThroughTheStoreUnchanged(t *testing.T) {
	s := newStore(t)
	upper := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(upper, "dir"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(upper, "dir", "file"), []byte("content"), 0o640))
	require.NoError(t, os.Chown(filepath.Join(upper, "dir", "file"), 1000, 50))
	var layer, again bytes.Buffer
	require.NoError(t, unionfs.Diff(&layer, upper))
	img, err := s.Commit(context.Background(), CommitOptions{Layer: bytes.NewReader(layer.Bytes()), Name: "a"})
	require.NoError(t, err)
	require.NoError(t, unionfs.Diff(&again, s.LayerDirs(img)[0]))
	require.Equal(t, entries(t, &layer), entries(t, &again))
}

func entries(t *testing.T, r io.Reader) []string {
	t.Helper()
	var list []string
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		if h.Name != "./" && h.Name != "" {
			list = append(list, strings.Join([]string{h.Name, h.FileInfo().Mode().String(), h.ModTime.UTC().String()}, " "))
		}
	}
}

func TestACommitThatFailsLeavesNothing(t *testing.T) {
	s := newStore(t)
	before := contents(t, s)
	broken := io.MultiReader(bytes.NewReader(tarOf(t, "x=1")[:700]), readerFunc(func([]byte) (int, error) { return 0, errors.New("disk on fire") }))
	_, err := s.Commit(context.Background(), CommitOptions{Layer: broken, Name: "a"})
	require.ErrorContains(t, err, "disk on fire")
	_, err = s.Commit(context.Background(), CommitOptions{Layer: strings.NewReader("no tar at all, but long enough to be looked at as one"), Name: "a"})
	require.Error(t, err)
	_, err = s.Commit(context.Background(), CommitOptions{Layer: bytes.NewReader(tarOf(t, "x=1")), Name: "A!"})
	require.ErrorContains(t, err, "parse image name")
	require.Equal(t, before, contents(t, s))
}
