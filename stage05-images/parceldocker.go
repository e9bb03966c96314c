package images

import (
	"encoding/json"
	"fmt"
	"slices"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// fromDocker reads manifest.json. Such an archive has no manifests in OCI's
// sense, so they are made here: from the configuration, which stays as it is,
// and the layers in the form in which they came in.
func (m *members) fromDocker(list []archived) (parcels []*parcel, err error) {
	known := m.store.knownLayers()
	for _, image := range list {
		p, err := m.dockerParcel(image, known)
		if err != nil {
			return nil, err
		}
		names, err := parseTags(image.RepoTags)
		if err != nil {
			return nil, err
		}
		p.addNames(names)
		parcels = append(parcels, p)
	}
	if len(parcels) == 0 {
		return nil, fmt.Errorf("%w: its manifest.json lists no images", errArchive)
	}
	return parcels, nil
}

// dockerParcel makes an image's manifest. What the store knows already is
// taken from there: an image that was pulled once keeps its manifest, and a
// layer its blob, though this archive packs it in another way.
func (m *members) dockerParcel(image archived, known *known) (*parcel, error) {
	config := m.documents[m.followed(image.Config)]
	if config == nil {
		return nil, fmt.Errorf("%w: configuration %q isn't in it", errArchive, image.Config)
	}
	parsed, err := parseConfig(config, len(image.Layers))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errArchive, err)
	}
	if img := known.images[digest.FromBytes(config)]; img != nil {
		kept, err := m.keep(append(img.Manifest.Layers, img.Descriptor, img.Manifest.Config)...)
		if err != nil {
			return nil, err
		}
		if kept {
			manifest, err := m.store.readBlob(img.Descriptor.Digest)
			if err != nil {
				return nil, err
			}
			return newParcel(img.Descriptor.MediaType, manifest, config)
		}
	}
	manifest := &ocispec.Manifest{MediaType: registry.OCIManifest, Layers: []ocispec.Descriptor{}}
	manifest.SchemaVersion = 2
	manifest.Config = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(config), Size: int64(len(config))}
	for i, name := range image.Layers {
		desc, err := m.dockerLayer(name, parsed.RootFS.DiffIDs[i], known)
		if err != nil {
			return nil, err
		}
		manifest.Layers = append(manifest.Layers, desc)
	}
	body, err := json.Marshal(manifest)
	if err != nil {
		return nil, err
	}
	return newParcel(manifest.MediaType, body, config)
}

func (m *members) dockerLayer(name string, diffID digest.Digest, known *known) (ocispec.Descriptor, error) {
	if desc, ok := known.layers[diffID]; ok {
		if kept, err := m.keep(desc); kept || err != nil {
			return desc, err
		}
	}
	layer := m.layers[m.followed(name)]
	if layer == nil {
		return ocispec.Descriptor{}, fmt.Errorf("%w: layer %q isn't in it", errArchive, name)
	}
	return layer.desc, nil
}

// keep holds blobs that the store had a moment ago, and reports whether it has
// them still.
func (m *members) keep(blobs ...ocispec.Descriptor) (bool, error) {
	var digests []digest.Digest
	for _, desc := range blobs {
		digests = append(digests, desc.Digest)
	}
	if err := m.hold.add(digests...); err != nil {
		return false, err
	}
	return !slices.ContainsFunc(blobs, func(desc ocispec.Descriptor) bool { return !m.store.hasBlob(desc) }), nil
}

// known is what the store has: whole images by ID, and layers by diffID.
type known struct {
	images map[digest.Digest]*Image
	layers map[digest.Digest]ocispec.Descriptor
}

// knownLayers looks at the images that can be read; one that can't is nobody's
// source.
func (s *Store) knownLayers() *known {
	k := &known{map[digest.Digest]*Image{}, map[digest.Digest]ocispec.Descriptor{}}
	list, _ := s.List()
	for _, img := range list {
		whole := true
		for i, desc := range img.Manifest.Layers {
			if !s.hasBlob(desc) {
				whole = false
				continue
			}
			desc.MediaType = ociLayerType(desc.MediaType)
			k.layers[img.Config.RootFS.DiffIDs[i]] = desc
		}
		if whole {
			k.images[img.ID] = img
		}
	}
	return k
}
