package images

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Save writes images, by name or ID, as one archive. A repository's name
// without a tag means all its tags. A name is saved with its image; an ID
// brings the image alone.
//
// Blobs are written as they are, each once however many of the images have it,
// so that IDs and digests stay. The same images make the same bytes, whenever
// and wherever: names have an order, times and owners are none.
func (s *Store) Save(ctx context.Context, w io.Writer, names []string) error {
	if err := s.save(ctx, w, names); err != nil {
		return fmt.Errorf("save images: %w", err)
	}
	return nil
}

func (s *Store) save(ctx context.Context, w io.Writer, names []string) error {
	list, err := s.selection(names)
	if err != nil {
		return err
	}
	blobs := map[digest.Digest]ocispec.Descriptor{}
	for _, img := range list {
		for _, desc := range append(img.Manifest.Layers, img.Manifest.Config, img.Descriptor) {
			blobs[desc.Digest] = desc
		}
	}
	order := slices.Sorted(maps.Keys(blobs))
	hold, err := s.hold(order...)
	if err != nil {
		return err
	}
	defer hold.release()
	out := &saving{store: s, tar: tar.NewWriter(w), buffer: make([]byte, 1<<20)}
	if err := out.lists(list); err != nil {
		return err
	}
	for _, d := range order {
		if err := out.blob(ctx, blobs[d]); err != nil {
			return err
		}
	}
	return out.tar.Close()
}

// saving is one archive on its way out.
type saving struct {
	store  *Store
	tar    *tar.Writer
	buffer []byte
}

// lists writes the four documents that say what the archive holds.
func (out *saving) lists(list []*Image) error {
	index := ocispec.Index{MediaType: registry.OCIIndex, Manifests: []ocispec.Descriptor{}}
	index.SchemaVersion = 2
	entries := []archived{}
	repositories := map[string]map[string]string{}
	for _, img := range list {
		index.Manifests = append(index.Manifests, entriesFor(img)...)
		entries = append(entries, archivedFor(img))
		for _, name := range img.Names {
			addRepository(repositories, name, img)
		}
	}
	for _, document := range []struct {
		name string
		is   any
	}{
		{archiveLayout, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}},
		{archiveIndex, index},
		{archiveManifest, entries},
		{archiveRepositories, repositories},
	} {
		if err := out.document(document.name, document.is); err != nil {
			return err
		}
	}
	return nil
}

// entriesFor is an image in index.json: an entry a name, or one without.
func entriesFor(img *Image) (list []ocispec.Descriptor) {
	for _, name := range img.Names {
		if ref, err := ParseName(name); err == nil {
			list = append(list, named(img.Descriptor, ref, ""))
		}
	}
	if len(list) == 0 {
		list = append(list, img.Descriptor)
	}
	return list
}

func archivedFor(img *Image) archived {
	entry := archived{Config: archiveBlobs + hexOf(img.ID), RepoTags: img.Names, Layers: []string{}}
	for _, layer := range img.Manifest.Layers {
		entry.Layers = append(entry.Layers, archiveBlobs+hexOf(layer.Digest))
	}
	return entry
}

func addRepository(repositories map[string]map[string]string, name string, img *Image) {
	ref, err := ParseName(name)
	if err != nil || ref.Tag == "" || len(img.Manifest.Layers) == 0 {
		return
	}
	if repositories[ref.FamiliarName()] == nil {
		repositories[ref.FamiliarName()] = map[string]string{}
	}
	repositories[ref.FamiliarName()][ref.Tag] = hexOf(img.Manifest.Layers[len(img.Manifest.Layers)-1].Digest)
}

func (out *saving) document(name string, is any) error {
	data, err := json.Marshal(is)
	if err != nil {
		return err
	}
	if err := out.header(name, int64(len(data))); err != nil {
		return err
	}
	_, err = out.tar.Write(data)
	return err
}

func (out *saving) header(name string, size int64) error {
	return out.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: time.Unix(0, 0)})
}

// blob copies one blob, and compares it with its digest on the way: a damaged
// one shall not travel on.
func (out *saving) blob(ctx context.Context, desc ocispec.Descriptor) error {
	content, err := out.store.openBlob(desc)
	if err != nil {
		return err
	}
	defer content.Close()
	if err := out.header(archiveBlobs+hexOf(desc.Digest), desc.Size); err != nil {
		return err
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{out.tar}, counting(ctx, content, func(int64) {}), out.buffer)
	return err
}
