package unionfs

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"cooper/stage01-namespaces/notrace"
	"cooper/stage04-unionfs/hardlayers"

	"github.com/stretchr/testify/require"
)

// stacked applies layers, the lowest first, each above those before it, and
// returns their directories, topmost first.
func stacked(t testing.TB, layers ...[]byte) []string {
	t.Helper()
	var lower []string
	for n, layer := range layers {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(n))
		_, err := Applier{Limits: DefaultLimits(), Lower: lower}.Apply(context.Background(), dir, bytes.NewReader(layer))
		require.NoError(t, err)
		lower = slices.Insert(lower, 0, dir)
	}
	return lower
}

func TestTheHardImageIsAsItIsWrittenDown(t *testing.T) {
	notrace.Check(t)
	portable := hardlayers.Portable()
	inUnion(t, stackOf(t, stacked(t, portable...)...), func(root string) {
		require.Equal(t, hardlayers.Tree(), census(t, root))
	})
	inUnion(t, stackOf(t, stacked(t, append(portable, hardlayers.Contrary())...)...), func(root string) {
		require.Equal(t, hardlayers.ContraryTree(), census(t, root))
	})
}

// A stream may be cut into several gzip members, as pigz and some registries
// write it; the second begins in the middle of a file.
func TestTheHardImageIsTheSameInEveryCompression(t *testing.T) {
	needRoot(t)
	layer := hardlayers.Portable()[0]
	want := census(t, stacked(t, layer)[0])
	half := len(layer) / 2
	for name, packed := range map[string][]byte{
		"plain":                   layer,
		"gzip":                    gzipped(t, layer),
		"gzip in several members": slices.Concat(gzipped(t, layer[:half]), gzipped(t, nil), gzipped(t, layer[half:])),
		"zstd":                    zstandard(t, layer),
		"zstd in several frames":  slices.Concat(zstandard(t, layer[:half]), zstandard(t, layer[half:])),
	} {
		plain, err := Decompress(bytes.NewReader(packed))
		require.NoError(t, err, name)
		dir := filepath.Join(t.TempDir(), "layer")
		require.NoError(t, Apply(context.Background(), dir, plain), name)
		require.NoError(t, plain.Close())
		require.Equal(t, want, census(t, dir), name)
	}
}
