package images

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// dockerArchive is what Docker up to 24 saves of an image with these layers:
// the second one of two that are equal is a link to the first.
func dockerArchive(t testing.TB, change func(list []archived, config *Config), layers ...[]byte) []byte {
	t.Helper()
	config := Config{}
	config.OS, config.Architecture, config.RootFS.Type = "linux", "amd64", "layers"
	image := archived{RepoTags: []string{"old:1"}}
	var files []file
	seen := map[string]string{}
	for i, layer := range layers {
		name := fmt.Sprintf("%064x/layer.tar", i+1)
		if first := seen[string(layer)]; first != "" {
			files = append(files, file{name: name, link: "../" + first})
		} else {
			files = append(files, file{name: name, content: string(layer)})
			seen[string(layer)] = name
		}
		files = append(files, file{name: fmt.Sprintf("%064x/VERSION", i+1), content: "1.0"}, file{name: fmt.Sprintf("%064x/json", i+1), content: "{}"})
		image.Layers = append(image.Layers, name)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.FromBytes(layer))
	}
	list := []archived{image}
	if change != nil {
		change(list, &config)
	}
	body, err := json.MarshalIndent(config, "", " ") // nobody's usual way to write it
	require.NoError(t, err)
	if list[0].Config == "" {
		list[0].Config = digest.FromBytes(body).Encoded() + ".json"
	}
	manifest, err := json.Marshal(list)
	require.NoError(t, err)
	files = append(files, file{name: digest.FromBytes(body).Encoded() + ".json", content: string(body)}, file{name: "manifest.json", content: string(manifest)})
	return archiveOf(t, files...)
}

func TestALoadThatTakesANameTellsWhoHadIt(t *testing.T) {
	here, there := newStore(t), newStore(t)
	put(t, here, "a", nil, "x=1")
	old := put(t, there, "a", nil, "x=2")
	list := loaded(t, there, saved(t, here, "a"))
	require.Equal(t, map[string]digest.Digest{"a:latest": old.ID}, list[0].Displaced)
	img, err := there.Find(ShortID(old.ID))
	require.NoError(t, err)
	require.Empty(t, img.Names)
}

func TestDockersOlderArchivesKeepTheirConfigurationsAndShareTheirLayers(t *testing.T) {
	s := newStore(t)
	one, two := tarOf(t, "x=1"), tarOf(t, "x=2")
	archive := dockerArchive(t, nil, one, two, one)
	_, content := membersOf(t, archive)
	list := loaded(t, s, archive)
	require.Equal(t, []string{"old:1"}, list[0].Names)
	img, err := s.Find("old:1")
	require.NoError(t, err)
	require.Equal(t, content[hexOf(img.ID)+".json"], string(must(s.readBlob(img.ID))), "the bytes, not what they mean")
	require.Len(t, img.Manifest.Layers, 3)
	require.Equal(t, img.Manifest.Layers[0], img.Manifest.Layers[2])
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))
	requireClean(t, s)

	again := newStore(t)
	require.Equal(t, list, loaded(t, again, saved(t, s, "old:1")))
	there := newStore(t)
	nameless := dockerArchive(t, func(list []archived, _ *Config) { list[0].RepoTags = nil }, gzipped(t, nil)[:0], one)
	require.Empty(t, loaded(t, there, nameless)[0].Names)
}

// Since version 25 Docker writes an image layout as well. Its layers are plain,
// ref.name is the tag alone, and with containerd's store an image is an index
// that also lists what the archive doesn't hold.
func TestNewerDockersArchivesAreLoadedAsLayouts(t *testing.T) {
	layer := tarOf(t, "x=1")
	f := imageOf(t, layer)
	f.manifest.Layers[0] = f.blob(ocispec.MediaTypeImageLayer, layer)
	desc, manifest := f.seal(t)
	elsewhere := ocispec.Descriptor{MediaType: registry.OCIManifest, Digest: digest.FromString("arm"), Size: 5, Platform: &ocispec.Platform{OS: "linux", Architecture: "arm64"}}
	note := ocispec.Descriptor{MediaType: registry.OCIManifest, Digest: digest.FromString("note"), Size: 5, Platform: &ocispec.Platform{OS: "unknown", Architecture: "unknown"}}
	here := desc
	here.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
	index := must(json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: registry.OCIIndex, Manifests: []ocispec.Descriptor{elsewhere, here, note}}))
	for name, top := range map[string]ocispec.Descriptor{
		"Docker's own store": desc,
		"containerd's store": {MediaType: registry.OCIIndex, Digest: digest.FromBytes(index), Size: int64(len(index))},
	} {
		top.Annotations = map[string]string{nameFull: "docker.io/library/new:3", nameShort: "3"}
		files := []file{
			{name: "blobs/sha256/" + digest.FromBytes(index).Encoded(), content: string(index)},
			{name: "blobs/sha256/" + desc.Digest.Encoded(), content: string(manifest)},
			{name: "index.json", content: string(must(json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: []ocispec.Descriptor{top}})))},
			{name: "manifest.json", content: `[{"Config":"blobs/sha256/` + f.manifest.Config.Digest.Encoded() + `","RepoTags":["new:3"],"Layers":[]}]`},
			{name: "oci-layout", content: `{"imageLayoutVersion":"1.0.0"}`},
		}
		for d, blob := range f.blobs {
			files = append(files, file{name: "blobs/sha256/" + d.Encoded(), content: string(blob)})
		}
		s := newStore(t)
		require.Equal(t, []string{"new:3"}, loaded(t, s, archiveOf(t, files...))[0].Names, name)
		img, err := s.Find("new:3")
		require.NoError(t, err)
		require.Equal(t, desc.Digest, img.Descriptor.Digest, name)
		require.Equal(t, "1", readLayerFile(t, s, img, "x"))
	}
}

func TestAnImageThatIsThereKeepsItsManifestWhenDockersArchiveBringsIt(t *testing.T) {
	s := newStore(t)
	f := madeImage(t, []string{"x=1"})
	f.manifest.Annotations = map[string]string{"by": "who pushed it"} // which no archive of Docker's has
	server := serve(t, f, nil)
	pulled, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	config := must(s.readBlob(pulled.ID))
	manifest := must(json.Marshal([]archived{{Config: "c.json", RepoTags: []string{"again:1"}, Layers: []string{"l.tar"}}}))
	before := contents(t, s)
	loaded(t, s, archiveOf(t, file{name: "l.tar", content: string(tarOf(t, "x=1"))}, file{name: "c.json", content: string(config)}, file{name: "manifest.json", content: string(manifest)}))
	img, err := s.Find("again:1")
	require.NoError(t, err)
	require.Equal(t, pulled.Descriptor, img.Descriptor)
	require.Equal(t, len(before), len(contents(t, s)), "no second blob of the same layer")
}
