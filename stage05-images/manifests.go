package images

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Manifest returns what a tag or a digest stands for in a repository.
func (r *Registry) Manifest(name, ref string) (*registry.Manifest, error) {
	place, err := r.find(name)
	if err != nil {
		return nil, err
	}
	m, err := place.manifest(ref)
	if err != nil {
		return nil, err
	}
	body, err := r.store.readBlob(m.desc.Digest)
	if err != nil {
		return nil, fmt.Errorf("get manifest %s of %s: %w", ref, name, err)
	}
	return &registry.Manifest{MediaType: m.desc.MediaType, Digest: m.desc.Digest, Bytes: body}, nil
}

// PutManifest stores a manifest, byte for byte, and gives it the tags; with
// none it is found by its digest alone. All that it names must be in the
// repository, so that no name ever means an image with holes. It returns the
// digest of the manifest that this one is about, "" for none.
func (r *Registry) PutManifest(ctx context.Context, name string, tags []string, label string, body []byte) (desc ocispec.Descriptor, subject digest.Digest, err error) {
	if r.readOnly {
		return desc, "", errReadOnly()
	}
	m, err := parsePushed(label, body)
	if err != nil {
		return desc, "", err
	}
	if err := r.keepManifest(ctx, m.desc.Digest, body); err != nil {
		return desc, "", fmt.Errorf("put manifest of %s: %w", name, err)
	}
	err = r.store.update(func(index *ocispec.Index) error {
		// Under the store's lock, so that nobody sweeps between look and entry.
		if err := r.complete(r.read(index).repository(name), m); err != nil {
			return err
		}
		enter(index, name, tags, m.desc)
		return nil
	})
	if m.Subject != nil {
		subject = m.Subject.Digest
	}
	return m.desc, subject, err
}

// keepManifest gives a manifest's bytes their place among the blobs. They are
// written even if they seem to be there, as what is there may be damaged.
func (r *Registry) keepManifest(ctx context.Context, d digest.Digest, body []byte) error {
	if err := r.hold(d); err != nil {
		return err
	}
	in, err := r.store.ingestBytes(ctx, body)
	if err != nil {
		return err
	}
	defer in.abandon()
	return in.publishAlone()
}

// complete refuses a manifest that names what its repository doesn't have, or
// what has gone from the disk. Its subject may be missing: a signature may come
// before what it signs.
func (r *Registry) complete(place *repository, m *pushed) error {
	for _, child := range m.Manifests {
		if place.manifests[child.Digest] == nil {
			return refuse(ManifestBlobUnknown, "%s has no manifest %s: push it first", place.name, child.Digest)
		}
	}
	for _, blob := range m.blobs() {
		if !isForeign(blob) && !(r.has(place, blob.Digest) && r.exists(blob.Digest)) {
			return refuse(ManifestBlobUnknown, "%s has no blob %s: push it first", place.name, blob.Digest)
		}
	}
	if !r.exists(m.desc.Digest) {
		return refuse(ManifestBlobUnknown, "the manifest waited for too long: push it again")
	}
	return nil
}

// DeleteManifest removes a tag, or by its digest a manifest with all its tags.
// One that loses its last tag stays, under its digest.
func (r *Registry) DeleteManifest(name, ref string) error {
	if r.readOnly {
		return errReadOnly()
	}
	return r.store.update(func(index *ocispec.Index) error {
		place, err := r.read(index).find(name)
		if err != nil {
			return err
		}
		m, err := place.manifest(ref)
		if err != nil {
			return err
		}
		if ref != m.desc.Digest.String() {
			untag(index, name, ref)
			return nil
		}
		if parent := place.listed[m.desc.Digest]; parent != "" {
			return refuse(Unsupported, "the index %s lists it: delete that first", parent)
		}
		strikeManifest(index, name, m.desc.Digest)
		return nil
	})
}

// Referrers lists the manifests of a repository that are about another one:
// signatures, bills of materials. With a type it lists only those of that type.
func (r *Registry) Referrers(name string, subject digest.Digest, artifactType string) ([]ocispec.Descriptor, error) {
	if err := checkDigest(subject); err != nil {
		return nil, refuse(DigestInvalid, "%v", err)
	}
	all, err := r.catalogue()
	if err != nil {
		return nil, err
	}
	list := []ocispec.Descriptor{}
	for _, m := range all.repository(name).manifests {
		if m.Subject == nil || m.Subject.Digest != subject {
			continue
		}
		if desc := m.asReferrer(); artifactType == "" || desc.ArtifactType == artifactType {
			list = append(list, desc)
		}
	}
	slices.SortFunc(list, func(a, b ocispec.Descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
	return list, nil
}
