package images

import (
	"encoding/json"
	"testing"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

func FuzzManifest(f *testing.F) {
	image := madeImage(f, []string{"a=b"})
	_, body := image.seal(f)
	f.Add(body)
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:x","size":-1}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if manifest, err := parseManifest(body); err == nil {
			require.NoError(t, checkDigest(manifest.Config.Digest))
			for _, layer := range manifest.Layers {
				require.NoError(t, checkDigest(layer.Digest))
				require.GreaterOrEqual(t, layer.Size, int64(0))
			}
			_, err := parseIndex(body)
			require.Error(t, err, "an image and an index at once")
		}
		if list, err := parseIndex(body); err == nil {
			for _, desc := range list {
				require.NoError(t, checkDigest(desc.Digest))
			}
		}
	})
}

// FuzzIndex looks for a platform's image in anything, nested as it likes.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:x","size":-1}]}`), "linux/arm/v7")
	f.Add(indexOf(f, platformed("linux/arm/v6", "1"), platformed("unknown/unknown", "2")), "linux/arm")
	f.Add(indexOf(f, ocispec.Descriptor{MediaType: registry.OCIIndex, Digest: digest.FromString("itself")}), "amd64")
	f.Fuzz(func(t *testing.T, body []byte, platform string) {
		want, err := ParsePlatform(platform)
		if err != nil {
			return
		}
		list, err := parseIndex(body)
		if err != nil {
			return
		}
		fetched := 0
		_ = fetchFor(list, want, func(desc ocispec.Descriptor) ([]byte, error) {
			fetched++
			require.NoError(t, checkDigest(desc.Digest))
			require.LessOrEqual(t, fetched, mostIndexes+1)
			return body, nil // every index holds itself
		})
	})
}

func FuzzImageConfig(f *testing.F) {
	image := madeImage(f, []string{"a=b"})
	body, err := json.Marshal(image.config)
	require.NoError(f, err)
	f.Add(body)
	f.Add([]byte(`{"config":{"Env":["A"],"Entrypoint":[""],"WorkingDir":".."}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var doc struct {
			RootFS struct {
				DiffIDs []json.RawMessage `json:"diff_ids"`
			} `json:"rootfs"`
		}
		_ = json.Unmarshal(body, &doc)
		config, err := parseConfig(body, len(doc.RootFS.DiffIDs))
		if err != nil {
			return
		}
		var s Spec
		Configure(&s, &Image{Config: *config}, Overrides{})
		require.Equal(t, byte('/'), s.Cwd[0])
		for _, id := range config.RootFS.DiffIDs {
			require.NoError(t, checkDigest(id))
		}
	})
}

func FuzzName(f *testing.F) {
	for _, name := range []string{"debian", "127.0.0.1:5000/a/b:1", "x@sha256:abc", "../../x", "host:99999/x", "x:tag\nfoo"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		ref, err := ParseName(name)
		if err != nil {
			return
		}
		again, err := ParseName(ref.String())
		require.NoError(t, err)
		require.Equal(t, ref, again)
		require.NotContains(t, ref.Path, "..")
	})
}

func TestAWrongNameIsRefusedWithAdvice(t *testing.T) {
	for _, name := range []string{"../../x", "host:99999/x", "x@sha256:abc", "me/UPPER", "x:tag\nfoo", "-x", "", "dеbian"} {
		_, err := ParseName(name)
		require.ErrorContains(t, err, "parse image name", name)
	}
}

func TestKindsOfLayers(t *testing.T) {
	for mediaType, want := range map[string]bool{
		ocispec.MediaTypeImageLayer: true, ocispec.MediaTypeImageLayerGzip: true, ocispec.MediaTypeImageLayerZstd: true,
		"application/vnd.docker.image.rootfs.diff.tar.gzip":            true,
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip":    true,
		"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": true,
		ocispec.MediaTypeImageLayer + "+encrypted":                     false,
		ocispec.MediaTypeImageLayer + "+":                              false,
		registry.OCIManifest:                                           false, "": false,
	} {
		require.Equal(t, want, isLayerType(mediaType), mediaType)
	}
}
