package images

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// FuzzArchive reads the documents of an archive of one layer. Whatever they
// say: an image that comes of it is what its digests say, has names that can be
// names, and no layer from outside the archive.
func FuzzArchive(f *testing.F) {
	layer := digest.FromString("a layer")
	config := fmt.Sprintf(`{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[%q]}}`, layer)
	hex := digest.FromString(config).Encoded()
	manifest := fmt.Sprintf(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":7}]}`,
		hex, len(config), layer)
	entry := `{"digest":"` + digest.FromString(manifest).String() + `","size":1,"annotations":{"org.opencontainers.image.ref.name":"x:1"}}`
	f.Add("", `[{"Config":"`+archiveBlobs+hex+`","RepoTags":["a:1"],"Layers":["l.tar"]}]`, config, "", "x")
	f.Add("", `[{"Config":"`+archiveBlobs+hex+`","RepoTags":null,"Layers":["a/layer.tar"]}]`, config, "", "../l.tar")
	f.Add(`{"schemaVersion":2,"manifests":[`+entry+`]}`, "", config, manifest, "x")
	f.Add(`{"schemaVersion":2,"manifests":[`+strings.Replace(entry, `"digest"`, `"mediaType":"application/vnd.oci.image.index.v1+json","digest"`, 1)+`]}`,
		"", config, `{"schemaVersion":2,"manifests":[`+entry+`]}`, "x")
	s := newStore(f)
	f.Fuzz(func(t *testing.T, index, list, config, manifest, link string) {
		m := &members{store: s, documents: map[string][]byte{}, links: map[string]string{"a/layer.tar": link},
			layers: map[string]*member{"l.tar": {desc: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: layer, Size: 7}}}}
		for name, text := range map[string]string{archiveIndex: index, archiveManifest: list,
			archiveBlobs + digest.FromString(config).Encoded(): config, archiveBlobs + digest.FromString(manifest).Encoded(): manifest} {
			if text != "" {
				m.documents[name] = []byte(text)
			}
		}
		parcels, err := m.parcels()
		if err != nil {
			return
		}
		for _, p := range parcels {
			require.Equal(t, p.desc.Digest, digest.FromBytes(p.manifestBytes))
			require.Equal(t, p.manifest.Config.Digest, digest.FromBytes(p.configBytes))
			require.Len(t, p.config.RootFS.DiffIDs, len(p.manifest.Layers))
			for _, name := range p.names {
				again, err := ParseName(name.String())
				require.NoError(t, err)
				require.Equal(t, name, again)
				require.NotEmpty(t, name.Tag)
			}
			if index == "" {
				for _, desc := range p.manifest.Layers {
					require.Equal(t, layer, desc.Digest)
				}
			}
		}
	})
}
