package images

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Find returns the image that a name stands for, or else the one whose ID
// begins like that. The error is ErrNotFound for none, and says so when an ID
// is ambiguous.
func (s *Store) Find(nameOrID string) (*Image, error) {
	index, err := s.readIndex()
	if err != nil {
		return nil, err
	}
	if entry, ok := findName(index, nameOrID); ok {
		img, err := s.load(entry)
		if err != nil {
			return nil, fmt.Errorf("open image %s: %w", nameOrID, err)
		}
		return img.withNames(index), nil
	}
	return s.findID(nameOrID)
}

// Has reports whether the store has the image of that ID, or is about to lose
// it. It is cheap, and reads nothing.
func (s *Store) Has(id digest.Digest) bool {
	if checkDigest(id) != nil {
		return false
	}
	_, err := os.Stat(s.blobPath(id))
	return err == nil
}

func (s *Store) findID(id string) (*Image, error) {
	prefix := strings.TrimPrefix(id, "sha256:")
	if !isHex(prefix) {
		return nil, notFound(id)
	}
	list, broken := s.List()
	var found *Image
	for _, img := range list {
		if !strings.HasPrefix(hexOf(img.ID), prefix) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("find image %q: several IDs begin like that: give more digits", id)
		}
		found = img
	}
	if found == nil {
		return nil, errors.Join(notFound(id), broken)
	}
	return found, nil
}

func notFound(name string) error {
	return fmt.Errorf("find image %q: %w: pull it first", name, ErrNotFound)
}

// List returns all images, each once whatever its number of names, the newest
// first. One that can't be read doesn't hide the others: the error joins what
// is wrong, and the list is what is right.
func (s *Store) List() ([]*Image, error) {
	index, err := s.readIndex()
	if err != nil {
		return nil, err
	}
	var list []*Image
	var broken []error
	seen := map[digest.Digest]bool{}
	for _, entry := range index.Manifests {
		if seen[entry.Digest] {
			continue
		}
		seen[entry.Digest] = true
		img, err := s.load(entry)
		if err != nil {
			broken = append(broken, fmt.Errorf("image %s: %w", entryLabel(entry), err))
			continue
		}
		list = addImage(list, img, index)
	}
	slices.SortStableFunc(list, func(a, b *Image) int { return b.Created.Compare(a.Created) })
	return list, errors.Join(broken...)
}

// addImage adds an image to a list, or only its names: two manifests are one
// image where their configuration is one, such as gzip and zstd of the same.
func addImage(list []*Image, img *Image, index *ocispec.Index) []*Image {
	for _, known := range list {
		if known.ID == img.ID {
			known.Names = append(known.Names, img.withNames(index).Names...)
			known.Digests = append(known.Digests, img.Digests...)
			return list
		}
	}
	return append(list, img.withNames(index))
}

// load reads the documents of one entry.
func (s *Store) load(entry ocispec.Descriptor) (*Image, error) {
	desc, err := s.resolve(entry)
	if err != nil {
		return nil, err
	}
	body, err := s.readBlob(desc.Digest)
	if err != nil {
		return nil, err
	}
	manifest, err := parseManifest(body)
	if err != nil {
		return nil, err
	}
	config, err := s.loadConfig(manifest)
	if err != nil {
		return nil, err
	}
	desc.Size = int64(len(body))
	img := newImage(desc, manifest, config)
	img.entry = entry.Digest
	return img, nil
}

// resolve returns the manifest behind an entry. An entry may be an index, when
// another program wrote it; then it is this machine's image in it.
func (s *Store) resolve(entry ocispec.Descriptor) (ocispec.Descriptor, error) {
	if !isIndex(entry.MediaType) {
		return entry, nil
	}
	body, err := s.readBlob(entry.Digest)
	if err != nil {
		return entry, err
	}
	list, err := parseIndex(body)
	if err != nil {
		return entry, err
	}
	here, err := ParsePlatform("")
	if err != nil {
		return entry, err
	}
	err = fetchFor(list, here, func(desc ocispec.Descriptor) ([]byte, error) {
		entry = desc
		return s.readBlob(desc.Digest)
	})
	return entry, err
}

func (s *Store) loadConfig(manifest *ocispec.Manifest) (*Config, error) {
	body, err := s.readBlob(manifest.Config.Digest)
	if err != nil {
		return nil, err
	}
	return parseConfig(body, len(manifest.Layers))
}
