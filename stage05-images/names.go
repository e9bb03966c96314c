package images

import (
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// entryName returns the full name of an index entry, "" for none. A layout
// written by skopeo has only what the user typed there.
func entryName(entry ocispec.Descriptor) string {
	for _, name := range []string{entry.Annotations[nameFull], entry.Annotations[nameShort]} {
		if ref, err := ParseName(name); name != "" && err == nil {
			return ref.String()
		}
	}
	return ""
}

func entryLabel(entry ocispec.Descriptor) string {
	if name := entryName(entry); name != "" {
		return familiar(name)
	}
	return string(entry.Digest)
}

// familiar shortens an entry's name to what people write.
func familiar(name string) string {
	ref, err := ParseName(name)
	if err != nil {
		return name
	}
	return ref.Familiar()
}

// findName looks an entry up: by its name, or for a name with a digest also by
// what the registry or the manifest itself is known as.
func findName(index *ocispec.Index, name string) (ocispec.Descriptor, bool) {
	ref, err := ParseName(name)
	if err != nil {
		return ocispec.Descriptor{}, false
	}
	for _, entry := range index.Manifests {
		if entryName(entry) == ref.String() {
			return entry, true
		}
	}
	for _, entry := range index.Manifests {
		same := string(entry.Digest) == ref.Digest || entry.Annotations[nameDigest] == ref.Digest
		if own, err := ParseName(entryName(entry)); ref.Digest != "" && same && err == nil && own.Name() == ref.Name() {
			return entry, true
		}
	}
	return ocispec.Descriptor{}, false
}

// withNames collects the names of the image's manifest out of the index.
func (img *Image) withNames(index *ocispec.Index) *Image {
	for _, entry := range index.Manifests {
		ref, err := ParseName(entryName(entry))
		if err != nil || entry.Digest != img.entry {
			continue
		}
		img.Names = append(img.Names, ref.Familiar())
		if d := entry.Annotations[nameDigest]; d != "" {
			img.Digests = append(img.Digests, ref.FamiliarName()+"@"+d)
		}
	}
	slices.Sort(img.Names)
	slices.Sort(img.Digests)
	img.Digests = slices.Compact(img.Digests)
	return img
}
