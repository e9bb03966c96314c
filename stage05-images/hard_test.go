package images

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	unionfs "cooper/stage04-unionfs"
	"cooper/stage04-unionfs/hardlayers"
	"cooper/stage05-images/registrytest"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// hardImage has its layers in three compressions; gzip in two members.
func hardImage(t testing.TB) *fixture {
	layers := hardlayers.Portable()
	f := imageOf(t, layers...)
	half := len(layers[0]) / 2
	f.manifest.Layers[0] = f.blob(ocispec.MediaTypeImageLayerGzip, slices.Concat(gzipped(t, layers[0][:half]), gzipped(t, layers[0][half:])))
	f.manifest.Layers[1] = f.blob(ocispec.MediaTypeImageLayer, layers[1])
	f.manifest.Layers[2] = f.blob(ocispec.MediaTypeImageLayerZstd, zstdPacked(t, layers[2]))
	return f
}

func TestTheHardImageComesWholeFromARegistry(t *testing.T) {
	host := registrytest.Start(t)
	upload(t, host, "hard", "1", hardImage(t))
	s := newStore(t)
	img, err := Pull(context.Background(), s, host+"/hard:1", PullOptions{})
	require.NoError(t, err)
	dirs := s.LayerDirs(img)
	slices.Reverse(dirs)
	for n, layer := range hardlayers.Portable() {
		alone := filepath.Join(t.TempDir(), "layer")
		require.NoError(t, unionfs.Apply(context.Background(), alone, bytes.NewReader(layer)))
		require.Equal(t, censusOf(t, alone), censusOf(t, dirs[n]))
	}
}

// umoci unpacks one layer over the other into one directory, so this is another
// engine's opinion of the whole tree.
func TestUmociMakesTheSameTreeOfTheHardImage(t *testing.T) {
	host := registrytest.Start(t)
	upload(t, host, "hard", "1", imageOf(t, hardlayers.Portable()...)) // gzip: it knows no zstd
	s := newStore(t)
	_, err := Pull(context.Background(), s, host+"/hard:1", PullOptions{})
	require.NoError(t, err)
	dir := t.TempDir()
	tool(t, "umoci", "unpack", "--image", s.Dir()+":"+host+"/hard:1", dir+"/bundle")
	require.Equal(t, strings.Split(hardlayers.Tree(), "\n"), strings.Split(censusOf(t, dir+"/bundle/rootfs"), "\n"))
}

func censusOf(t testing.TB, dir string) string {
	t.Helper()
	list, err := hardlayers.Census(dir)
	require.NoError(t, err)
	return list
}
