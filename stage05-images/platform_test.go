package images

import (
	"encoding/json"
	"errors"
	"testing"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// platformed is an entry of an index, for a platform as people write it.
func platformed(platform, content string) ocispec.Descriptor {
	p, err := ParsePlatform(platform)
	if err != nil {
		p = ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	}
	return ocispec.Descriptor{MediaType: registry.OCIManifest, Digest: digest.FromString(content), Size: int64(len(content)), Platform: &p}
}

func indexOf(t testing.TB, list ...ocispec.Descriptor) []byte {
	t.Helper()
	body, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": registry.OCIIndex, "manifests": list})
	require.NoError(t, err)
	return body
}

func TestAPlatformIsReadAsPeopleAndKernelsWriteIt(t *testing.T) {
	for written, want := range map[string]string{
		"linux/amd64": "linux/amd64", "amd64": "linux/amd64", "x86_64": "linux/amd64", "LINUX/AMD64": "linux/amd64", "linux/amd64/v1": "linux/amd64",
		"linux/amd64/v3": "linux/amd64/v3", "aarch64": "linux/arm64", "arm64/v8": "", "linux/arm64/v8": "linux/arm64", "linux/arm64/8": "linux/arm64",
		"arm": "linux/arm/v7", "linux/arm/v6": "linux/arm/v6", "armhf": "linux/arm/v7", "armel": "linux/arm/v6", "i686": "linux/386", "riscv64": "linux/riscv64",
		"linux": "", "linux/": "", "windows/amd64": "", "linux/a/b/c": "", "pdp11": "", "/": "",
	} {
		p, err := ParsePlatform(written)
		if want == "" {
			require.ErrorContains(t, err, "write linux/", written)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, want, platformString(p), written)
	}
}

func TestAMachineRunsTheOlderVariantsToo(t *testing.T) {
	for _, c := range []struct {
		want, got string
		runs      bool
	}{
		{"linux/arm/v7", "linux/arm/v6", true}, {"linux/arm/v7", "linux/arm/v5", true}, {"linux/arm/v6", "linux/arm/v7", false},
		{"linux/arm64", "linux/arm64/v8", true}, {"linux/arm64/v9", "linux/arm64", true}, {"linux/arm64", "linux/arm64/v9", false},
		{"linux/amd64", "linux/amd64/v1", true}, {"linux/amd64/v3", "linux/amd64/v2", true}, {"linux/amd64/v3", "linux/amd64", true},
		{"linux/amd64", "linux/amd64/v2", false}, {"linux/amd64", "linux/arm64", false}, {"linux/arm/v7", "linux/arm/frob", false},
	} {
		want, err := ParsePlatform(c.want)
		require.NoError(t, err)
		got, err := ParsePlatform(c.got)
		require.NoError(t, err)
		require.Equal(t, c.runs, suits(got, want), "%s on %s", c.got, c.want)
	}
}

func TestTheManifestForThePlatformIsChosen(t *testing.T) {
	list := []ocispec.Descriptor{
		platformed("unknown/unknown", "a note"), platformed("linux/arm/v5", "v5"), platformed("linux/amd64", "amd64"), platformed("linux/arm/v7", "v7"),
		platformed("linux/amd64", "amd64 again"), platformed("linux/arm/v6", "v6"), platformed("linux/arm64/v8", "arm64"), {Digest: "of no platform"},
	}
	for want, chosen := range map[string]string{
		"linux/amd64": "amd64", "linux/amd64/v3": "amd64", "linux/arm": "v7", "linux/arm/v7": "v7", "linux/arm/v6": "v6", "linux/arm/v8": "v7", "linux/arm64": "arm64",
	} {
		platform, err := ParsePlatform(want)
		require.NoError(t, err)
		got, err := choose(list, platform)
		require.NoError(t, err)
		require.Equal(t, digest.FromString(chosen), got.Digest, want)
	}
	s390x, err := ParsePlatform("s390x")
	require.NoError(t, err)
	_, err = choose(list, s390x)
	require.ErrorContains(t, err, "no image for linux/s390x: there is one for linux/arm/v5, linux/amd64, linux/arm/v7")
	require.NotContains(t, err.Error(), "unknown")
	_, err = choose(nil, s390x)
	require.ErrorContains(t, err, "no platform at all")
}

func TestAnIndexInAnIndexIsLookedInto(t *testing.T) {
	inner := indexOf(t, platformed("linux/s390x", "the image"))
	entry := ocispec.Descriptor{MediaType: registry.OCIIndex, Digest: digest.FromBytes(inner), Size: int64(len(inner))}
	var fetched []digest.Digest
	fetch := func(desc ocispec.Descriptor) ([]byte, error) {
		fetched = append(fetched, desc.Digest)
		if desc.Digest == entry.Digest {
			return inner, nil
		}
		return nil, nil
	}
	s390x, err := ParsePlatform("s390x")
	require.NoError(t, err)
	require.NoError(t, fetchFor([]ocispec.Descriptor{platformed("linux/amd64", "x"), entry}, s390x, fetch))
	require.Equal(t, []digest.Digest{entry.Digest, digest.FromString("the image")}, fetched)

	fetched = nil
	amd64, err := ParsePlatform("amd64")
	require.NoError(t, err)
	require.NoError(t, fetchFor([]ocispec.Descriptor{entry, platformed("linux/amd64", "x")}, amd64, fetch))
	require.Equal(t, []digest.Digest{digest.FromString("x")}, fetched, "what is at hand comes first")

	fetched = nil
	endless := indexOf(t, entry, entry)
	err = fetchFor([]ocispec.Descriptor{entry}, amd64, func(ocispec.Descriptor) ([]byte, error) {
		fetched = append(fetched, "")
		return endless, nil
	})
	require.True(t, errors.Is(err, errNoPlatform))
	require.Len(t, fetched, mostIndexes)
}
