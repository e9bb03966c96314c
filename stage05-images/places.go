package images

import (
	"slices"
	"strings"

	"cooper/stage05-images/reference"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// nameRepository is the annotation of an entry that was pushed to a Registry.
const nameRepository = "cooper.registry.repository"

// placeOf returns the repository that an entry of index.json belongs to, and
// its tag, "" for none. An entry that was pushed says so. One that another
// program wrote has a name as people type it: "debian:12" is the tag 12 of
// debian, and of "127.0.0.1:5000/me/app:1" the host is left out, as we are the
// host now. What fits no repository belongs to the one without a name, which
// nobody can ask for.
func placeOf(entry ocispec.Descriptor) (name, tag string) {
	full := entry.Annotations[nameShort]
	name = entry.Annotations[nameRepository]
	if name != "" {
		tag, _ = strings.CutPrefix(full, name+":")
	} else if ref, err := ParseName(full); err == nil && full != "" {
		name, tag = ref.FamiliarName(), ref.Tag
		name = strings.TrimPrefix(name, ref.Host+"/")
	}
	if !reference.IsPath(name) || tag != "" && !reference.IsTag(tag) {
		return "", ""
	}
	return name, tag
}

func isAt(entry ocispec.Descriptor, name, tag string) bool {
	n, t := placeOf(entry)
	return n == name && t == tag
}

// placed makes the entry that gives a manifest a place.
func placed(desc ocispec.Descriptor, name, tag string) ocispec.Descriptor {
	entry := ocispec.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: desc.Size}
	entry.Annotations = map[string]string{nameRepository: name}
	if tag != "" {
		entry.Annotations[nameShort] = name + ":" + tag
	}
	return entry
}

// enter gives a manifest its tags in a repository, or with none its place
// there. A manifest that loses its tag to this one stays, without.
func enter(index *ocispec.Index, name string, tags []string, desc ocispec.Descriptor) {
	for _, tag := range tags {
		untag(index, name, tag)
		index.Manifests = append(index.Manifests, placed(desc, name, tag))
	}
	keep(index, name, desc)
}

// untag takes a tag away.
func untag(index *ocispec.Index, name, tag string) {
	at := slices.IndexFunc(index.Manifests, func(e ocispec.Descriptor) bool { return isAt(e, name, tag) })
	if at < 0 {
		return
	}
	entry := index.Manifests[at]
	index.Manifests = slices.Delete(index.Manifests, at, at+1)
	keep(index, name, entry)
}

// keep sees to it that a manifest has one entry in a repository: one for each
// tag, or else one without.
func keep(index *ocispec.Index, name string, desc ocispec.Descriptor) {
	tagged := slices.ContainsFunc(index.Manifests, func(e ocispec.Descriptor) bool {
		n, tag := placeOf(e)
		return e.Digest == desc.Digest && n == name && tag != ""
	})
	index.Manifests = slices.DeleteFunc(index.Manifests, func(e ocispec.Descriptor) bool {
		return e.Digest == desc.Digest && isAt(e, name, "")
	})
	if !tagged {
		index.Manifests = append(index.Manifests, placed(desc, name, ""))
	}
}

// strikeManifest takes a manifest out of a repository with all its tags.
func strikeManifest(index *ocispec.Index, name string, d digest.Digest) {
	index.Manifests = slices.DeleteFunc(index.Manifests, func(e ocispec.Descriptor) bool {
		n, _ := placeOf(e)
		return n == name && e.Digest == d
	})
}
