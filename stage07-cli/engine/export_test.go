package engine_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"cooper/stage04-unionfs/hardlayers"
	"cooper/stage05-images"
	"cooper/stage06-network"
	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

func TestAnExportHasEveryFileOfTheHardImageAndAnImportMakesTheSame(t *testing.T) {
	b := newBench(t)
	var img *images.Image
	for _, layer := range hardlayers.Portable() {
		made, err := b.Images().Commit(t.Context(), images.CommitOptions{Parent: img, Layer: bytes.NewReader(layer), Name: "hard"})
		require.NoError(t, err)
		img = made
	}
	c, err := b.Create(t.Context(), engine.CreateOptions{Image: "hard", Args: []string{"none"}, Network: network.None})
	require.NoError(t, err)
	var first, again bytes.Buffer
	require.NoError(t, b.Export(t.Context(), c, &first))
	require.NoError(t, b.Export(t.Context(), c, &again))
	require.Equal(t, first.Bytes(), again.Bytes(), "the same files are the same bytes")

	id, err := b.Import(t.Context(), &first, engine.ImportOptions{Name: "again"})
	require.NoError(t, err)
	made, err := b.Images().Find(id)
	require.NoError(t, err)
	files, err := hardlayers.Census(b.Images().LayerDirs(made)[0])
	require.NoError(t, err)
	require.Equal(t, hardlayers.Tree(), files)
}

func TestAnExportEndsWithItsContext(t *testing.T) {
	b := newBench(t)
	id := b.started(t, options("tail", "-f", "/dev/null"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.Export(ctx, id, &bytes.Buffer{}), context.Canceled)
	err := b.Export(t.Context(), "nosuch", &bytes.Buffer{})
	require.True(t, strings.Contains(err.Error(), "No such container"))
}
