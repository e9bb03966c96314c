package images

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// A stranger's image names a layer that is unpacked here by its diffID, and
// beside it some blob: one that the store doesn't have, one that it has as
// another layer, or the right one.
func TestABlobDoesNotPassForALayerThatIsUnpackedAlready(t *testing.T) {
	first, second := tarOf(t, "x=1"), tarOf(t, "x=2")
	for name, c := range map[string]struct {
		blob []byte
		says string
	}{
		"a blob that isn't here":       {gzipped(t, tarOf(t, "evil=1")), "the configuration says"},
		"a blob that is another layer": {gzipped(t, second), "the configuration says"},
		"a blob that is no layer":      {[]byte("\x1f\x8bxxxxxxxx"), "gzip"},
		"the same in another packing":  {zstdPacked(t, first), ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			pulled(t, s, first)
			pulled(t, s, second)
			f := imageOf(t, first)
			f.manifest.Layers[0] = f.blob(ocispec.MediaTypeImageLayerGzip, c.blob)
			f.config.Author = "a stranger"
			server := serve(t, f, nil)
			before := contents(t, s)
			_, loading := s.Load(t.Context(), bytes.NewReader(layoutOf(t, f)), nil)
			_, pulling := Pull(t.Context(), s, server.host()+"/x:1", PullOptions{})
			if c.says == "" {
				require.NoError(t, loading)
				require.NoError(t, pulling)
				return
			}
			require.ErrorContains(t, loading, c.says)
			require.ErrorContains(t, pulling, c.says)
			require.Equal(t, before, contents(t, s))
		})
	}
}

// layoutOf is an archive of an image, in OCI's form alone.
func layoutOf(t *testing.T, f *fixture) []byte {
	t.Helper()
	desc, body := f.seal(t)
	f.blobs[desc.Digest] = body
	index := ocispec.Index{Manifests: []ocispec.Descriptor{desc}}
	index.SchemaVersion = 2
	list, err := json.Marshal(index)
	require.NoError(t, err)
	files := []file{{name: archiveIndex, content: string(list)}}
	for _, d := range slices.Sorted(maps.Keys(f.blobs)) {
		files = append(files, file{name: archiveBlobs + hexOf(d), content: string(f.blobs[d])})
	}
	return archiveOf(t, files...)
}
