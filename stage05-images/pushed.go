package images

import (
	"encoding/json"
	"mime"
	"slices"
	"strings"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// pushed is a manifest as a registry looks at it: what it names, and what it is
// about. Whether it is a container image is no question here; registries also
// keep charts, signatures and bills of materials.
type pushed struct {
	document
	Subject     *ocispec.Descriptor `json:"subject"`
	Annotations map[string]string   `json:"annotations"`

	desc ocispec.Descriptor
}

// parsePushed reads a manifest and refuses one that is two things at once, or
// names what can't be named. The type is the one that it was labelled with, or
// its own word where there was no label.
func parsePushed(label string, body []byte) (*pushed, error) {
	m := new(pushed)
	if err := json.Unmarshal(body, m); err != nil {
		return nil, refuse(ManifestInvalid, "the manifest is no JSON of a manifest: %v", err)
	}
	if m.SchemaVersion != 2 || m.FSLayers != nil {
		return nil, refuse(ManifestInvalid, "the manifest has schema version %d: only 2 is kept here", m.SchemaVersion)
	}
	mediaType, err := m.settle(label)
	if err != nil {
		return nil, err
	}
	for _, desc := range m.named() {
		if err := checkDescriptor(desc); err != nil {
			return nil, refuse(DigestInvalid, "the manifest names %v", err)
		}
	}
	m.desc = ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(body), Size: int64(len(body))}
	return m, nil
}

// settle decides on the type. Label and body must agree with each other and
// with what the manifest holds, or two programs would read it in two ways.
func (m *pushed) settle(label string) (string, error) {
	mediaType, _, _ := mime.ParseMediaType(label)
	switch {
	case mediaType == "":
		mediaType = m.MediaType
	case m.MediaType != "" && m.MediaType != mediaType:
		return "", refuse(ManifestInvalid, "the manifest says that it is %q, its Content-Type %q", m.MediaType, mediaType)
	}
	switch {
	case isIndex(mediaType):
		if m.Config != nil || m.Layers != nil {
			return "", refuse(ManifestInvalid, "the index is a manifest at the same time")
		}
	case mediaType == registry.OCIManifest || mediaType == registry.DockerManifest:
		if m.Manifests != nil || m.Config == nil {
			return "", refuse(ManifestInvalid, "the manifest has no config, or is an index at the same time")
		}
	default:
		return "", refuse(ManifestInvalid, "nothing of the type %q is kept here", mediaType)
	}
	return mediaType, nil
}

// blobs lists what the manifest is made of.
func (m *pushed) blobs() []ocispec.Descriptor {
	if m.Config == nil {
		return nil
	}
	return append(slices.Clone(m.Layers), *m.Config)
}

// named lists all descriptors.
func (m *pushed) named() []ocispec.Descriptor {
	list := append(m.blobs(), m.Manifests...)
	if m.Subject != nil {
		list = append(list, *m.Subject)
	}
	return list
}

// isForeign tells of layers that their owner allows nobody to hand on, such as
// those of Windows: a manifest may name them where no registry has them.
func isForeign(desc ocispec.Descriptor) bool {
	return len(desc.URLs) > 0 && (strings.Contains(desc.MediaType, ".nondistributable.") || strings.Contains(desc.MediaType, ".foreign."))
}

// asReferrer describes the manifest in a list of those that are about another.
// An image without a type of its own is what its config is.
func (m *pushed) asReferrer() ocispec.Descriptor {
	desc := m.desc
	desc.ArtifactType, desc.Annotations = m.ArtifactType, m.Annotations
	if desc.ArtifactType == "" && m.Config != nil {
		desc.ArtifactType = m.Config.MediaType
	}
	return desc
}
