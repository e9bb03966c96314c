package images

import (
	"cooper/stage05-images/reference"

	"github.com/opencontainers/go-digest"
)

// elsewhere finds, for each blob of an image, another repository of the same
// registry that has it. The index tells: a name under which an image was pulled
// or pushed carries the registry's digest (nameDigest), and one that was only
// given here doesn't. Whether the blobs are there still, the registry knows.
func (s *Store) elsewhere(ref reference.Reference, img *Image) (map[digest.Digest]string, error) {
	index, err := s.readIndex()
	if err != nil {
		return nil, err
	}
	wanted := map[digest.Digest]bool{}
	for _, desc := range append(img.Manifest.Layers, img.Manifest.Config) {
		wanted[desc.Digest] = true
	}
	found := map[digest.Digest]string{}
	for _, entry := range index.Manifests {
		other, err := ParseName(entryName(entry))
		if err != nil || other.Host != ref.Host || other.Path == ref.Path || entry.Annotations[nameDigest] == "" {
			continue
		}
		theirs, err := s.load(entry)
		if err != nil {
			continue // a damaged image is no reason not to push another
		}
		for _, desc := range append(theirs.Manifest.Layers, theirs.Manifest.Config) {
			if wanted[desc.Digest] {
				found[desc.Digest] = other.Path
			}
		}
	}
	return found, nil
}
