package images

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cooper/stage05-images/reference"
	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// errArchive marks an archive that holds no images, or not what it says.
var errArchive = errors.New("refused the archive")

// parcel is an image in an archive, after all that can be told without its
// layers.
type parcel struct {
	desc          ocispec.Descriptor // of the manifest
	manifestBytes []byte
	manifest      *ocispec.Manifest
	configBytes   []byte
	config        *Config
	names         []reference.Reference
}

// parcels finds the images. Where an archive is both formats in one, the image
// layout is the better source: it has the manifests, and so their digests.
func (m *members) parcels() ([]*parcel, error) {
	tagged, err := m.dockerList()
	if err != nil {
		return nil, err
	}
	switch {
	case m.documents[archiveIndex] != nil:
		return m.fromLayout(tagged)
	case m.documents[archiveManifest] != nil:
		return m.fromDocker(tagged)
	case m.documents[archiveRepositories] != nil:
		return nil, fmt.Errorf("%w: it is of a Docker before 1.10: save it with a newer one", errArchive)
	}
	return nil, fmt.Errorf("%w: it has neither an index.json nor a manifest.json: save makes such archives, and import takes a root filesystem", errArchive)
}

func (m *members) dockerList() (list []archived, err error) {
	if data := m.documents[archiveManifest]; data != nil {
		if err := json.Unmarshal(data, &list); err != nil {
			return nil, fmt.Errorf("%w: parse manifest.json: %w", errArchive, err)
		}
	}
	return list, nil
}

// fromLayout reads index.json, which has an entry for each name.
func (m *members) fromLayout(tagged []archived) (list []*parcel, err error) {
	entries, err := parseIndex(m.documents[archiveIndex])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errArchive, err)
	}
	for _, entry := range entries {
		p, err := m.layoutParcel(entry)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(list, func(q *parcel) bool { return q.desc.Digest == p.desc.Digest }); i >= 0 {
			p = list[i]
		} else {
			list = append(list, p)
		}
		names, err := layoutNames(entry, p, tagged)
		if err != nil {
			return nil, err
		}
		p.addNames(names)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: its index.json lists no images", errArchive)
	}
	return list, nil
}

// layoutNames are the names of one entry: what containerd and Docker write in
// full, or else what manifest.json says, or else what a person has typed, which
// may be no name.
func layoutNames(entry ocispec.Descriptor, p *parcel, tagged []archived) ([]reference.Reference, error) {
	if name := entry.Annotations[nameFull]; name != "" {
		return parseTags([]string{name})
	}
	for _, image := range tagged {
		if strings.HasSuffix(image.Config, hexOf(p.manifest.Config.Digest)) {
			return parseTags(image.RepoTags)
		}
	}
	if ref, err := ParseName(entry.Annotations[nameShort]); err == nil && ref.Tag != "" {
		return []reference.Reference{ref}, nil
	}
	return nil, nil
}

func parseTags(names []string) (list []reference.Reference, err error) {
	for _, name := range names {
		ref, err := ParseName(name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errArchive, err)
		}
		if ref.Tag == "" {
			continue // a digest is computed and not given
		}
		list = append(list, ref)
	}
	return list, nil
}

func (p *parcel) addNames(names []reference.Reference) {
	for _, name := range names {
		if !slices.Contains(p.names, name) {
			p.names = append(p.names, name)
		}
	}
}

func (m *members) layoutParcel(entry ocispec.Descriptor) (*parcel, error) {
	body, err := m.byDigest(entry.Digest)
	if err != nil {
		return nil, err
	}
	if isIndex(entry.MediaType) {
		desc, err := m.chosen(body)
		if err != nil {
			return nil, err
		}
		return m.layoutParcel(desc)
	}
	manifest, err := parseManifest(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errArchive, err)
	}
	config, err := m.byDigest(manifest.Config.Digest)
	if err != nil {
		return nil, err
	}
	return newParcel(entry.MediaType, body, config)
}

// chosen picks this machine's image out of an index, or else the only one that
// the archive has of it.
func (m *members) chosen(index []byte) (ocispec.Descriptor, error) {
	list, err := parseIndex(index)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("%w: %w", errArchive, err)
	}
	list = slices.DeleteFunc(list, func(desc ocispec.Descriptor) bool {
		note := desc.Platform != nil && desc.Platform.OS == "unknown"
		return note || isIndex(desc.MediaType) || m.documents[archiveBlobs+hexOf(desc.Digest)] == nil
	})
	if len(list) == 1 {
		return list[0], nil
	}
	here, err := ParsePlatform("")
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return choose(list, here)
}

// byDigest returns a document after comparing it with its digest.
func (m *members) byDigest(d digest.Digest) ([]byte, error) {
	data := m.documents[m.followed(archiveBlobs+hexOf(d))]
	if data == nil {
		return nil, fmt.Errorf("%w: document %s isn't in it, or is larger than 4 MiB", errArchive, d)
	}
	if got := digest.FromBytes(data); got != d {
		return nil, fmt.Errorf("%w: document %s turned out to be %s", errArchive, d, got)
	}
	return data, nil
}

func newParcel(mediaType string, manifest, config []byte) (p *parcel, err error) {
	p = &parcel{manifestBytes: manifest, configBytes: config}
	if p.manifest, err = parseManifest(manifest); err != nil {
		return nil, fmt.Errorf("%w: %w", errArchive, err)
	}
	if p.config, err = parseConfig(config, len(p.manifest.Layers)); err != nil {
		return nil, fmt.Errorf("%w: %w", errArchive, err)
	}
	if mediaType == "" {
		mediaType = registry.OCIManifest
	}
	p.desc = ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(manifest), Size: int64(len(manifest))}
	return p, nil
}
