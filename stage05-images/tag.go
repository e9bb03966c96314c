package images

import (
	"fmt"
	"slices"

	"cooper/stage05-images/reference"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Tag gives an image, found by name or ID, one more name. A name that another
// image has passes to this one.
func (s *Store) Tag(source, name string) error {
	ref, err := ParseName(name)
	if err != nil {
		return err
	}
	if ref.Digest != "" {
		return fmt.Errorf("tag image as %q: a digest is computed, it can't be given", name)
	}
	img, release, err := s.Use(source) // or the new name could come to mean what is gone
	if err != nil {
		return err
	}
	defer release()
	return s.name(img.Descriptor, ref, "")
}

// name makes an entry for a manifest whose blobs and layers are in place. The
// last argument is what a registry called it, if one did.
func (s *Store) name(desc ocispec.Descriptor, ref reference.Reference, registryDigest digest.Digest) error {
	return s.update(func(index *ocispec.Index) error {
		setEntry(index, named(desc, ref, registryDigest))
		return nil
	})
}

// named writes a name on an entry.
func named(desc ocispec.Descriptor, ref reference.Reference, registryDigest digest.Digest) ocispec.Descriptor {
	desc.Annotations = map[string]string{
		nameShort: ref.Familiar(),
		nameFull:  ref.String(),
	}
	if registryDigest != "" {
		desc.Annotations[nameDigest] = registryDigest.String()
	}
	return desc
}

// setEntry puts an entry in the place of the one with its name. The image that
// loses its last name by that stays, without one.
func setEntry(index *ocispec.Index, entry ocispec.Descriptor) {
	name := entryName(entry)
	var displaced []ocispec.Descriptor
	index.Manifests = slices.DeleteFunc(index.Manifests, func(old ocispec.Descriptor) bool {
		if name != "" && entryName(old) == name {
			displaced = append(displaced, old)
			return true
		}
		return entryName(old) == "" && old.Digest == entry.Digest // no longer without a name
	})
	index.Manifests = append(index.Manifests, entry)
	for _, old := range displaced {
		if !hasManifest(index, old.Digest) {
			index.Manifests = append(index.Manifests, ocispec.Descriptor{MediaType: old.MediaType, Digest: old.Digest, Size: old.Size})
		}
	}
}

func hasManifest(index *ocispec.Index, d digest.Digest) bool {
	return slices.ContainsFunc(index.Manifests, func(e ocispec.Descriptor) bool { return e.Digest == d })
}
