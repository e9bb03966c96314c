package images

import (
	"encoding/json"
	"testing"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

func TestTheManifestForThePlatformIsChosen(t *testing.T) {
	platform := func(s string) *ocispec.Platform {
		p, err := ParsePlatform(s)
		require.NoError(t, err)
		return &p
	}
	list := []ocispec.Descriptor{
		{Digest: "0", Platform: &ocispec.Platform{OS: "unknown", Architecture: "unknown"}},
		{Digest: "1", Platform: &ocispec.Platform{OS: "windows", Architecture: "amd64"}},
		{Digest: "2", Platform: platform("linux/amd64")},
		{Digest: "3", Platform: platform("linux/arm/v7")},
		{Digest: "4", Platform: platform("linux/arm/v6")},
		{Digest: "5"},
	}
	for want, chosen := range map[string]digest.Digest{
		"linux/amd64": "2", "linux/arm": "3", "linux/arm/v7": "3", "linux/arm/v6": "4", "LINUX/AMD64": "2",
	} {
		got, err := choose(list, *platform(want))
		require.NoError(t, err)
		require.Equal(t, chosen, got.Digest, want)
	}
	_, err := choose(list, *platform("linux/s390x"))
	require.ErrorContains(t, err, "no image for linux/s390x: there is one for windows/amd64, linux/amd64, linux/arm/v7, linux/arm/v6")
	_, err = choose(nil, *platform(""))
	require.ErrorContains(t, err, "no platform at all")
	for _, wrong := range []string{"amd64", "linux", "linux/", "windows/amd64", "linux/a/b/c"} {
		_, err := ParsePlatform(wrong)
		require.ErrorContains(t, err, "write linux/", wrong)
	}
}

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
