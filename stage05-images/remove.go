package images

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Removal tells what Remove did, as docker rmi prints it.
type Removal struct {
	Untagged []string        // names that mean nothing any more
	Deleted  []digest.Digest // the image's ID, and the diffIDs of layers that went with it
}

// ErrHasNames is the refusal to delete an image by its ID while several names
// mean it.
var ErrHasNames = errors.New("image has several names")

// Remove takes a name off an image, and with its last name the image itself,
// and then everything that no image, no running pull and no container (InUse)
// needs. An ID stands for all names of the image; there may be one, or with
// force any number.
func (s *Store) Remove(nameOrID string, force bool) (Removal, error) {
	done, err := s.drop(func(index *ocispec.Index) ([]ocispec.Descriptor, error) {
		return s.doomed(index, nameOrID, force)
	})
	if err != nil {
		return done, fmt.Errorf("remove image %s: %w", nameOrID, err)
	}
	return done, nil
}

// Prune removes the images that have lost their names, and whatever nobody
// needs.
func (s *Store) Prune() (Removal, error) {
	done, err := s.drop(func(index *ocispec.Index) (nameless []ocispec.Descriptor, _ error) {
		for _, entry := range index.Manifests {
			if entryName(entry) == "" {
				nameless = append(nameless, entry)
			}
		}
		return nameless, nil
	})
	if err != nil {
		return done, fmt.Errorf("prune images: %w", err)
	}
	return done, nil
}

// Collect removes what nobody needs any more, such as the layers of a removed
// image when the last container that stood on them is gone.
func (s *Store) Collect() error {
	_, err := s.drop(func(*ocispec.Index) ([]ocispec.Descriptor, error) { return nil, nil })
	if err != nil {
		return fmt.Errorf("collect images: %w", err)
	}
	return nil
}

// drop strikes the chosen entries and collects. The index is on the disk before
// the first blob goes: a crash in between leaves rubbish, and never an image
// with holes.
func (s *Store) drop(choose func(*ocispec.Index) ([]ocispec.Descriptor, error)) (done Removal, err error) {
	var rubbish []string
	err = s.locked(func() error {
		index, err := s.readIndex()
		if err != nil {
			return err
		}
		doomed, err := choose(index)
		if err != nil {
			return err
		}
		if len(doomed) > 0 {
			done = s.strike(index, doomed)
			if err := s.writeIndex(index); err != nil {
				return err
			}
		}
		var gone []digest.Digest
		gone, rubbish, err = s.collect(index)
		done.Deleted = append(done.Deleted, gone...)
		return err
	})
	if err != nil {
		return done, err
	}
	return done, emptyTrash(rubbish)
}

// doomed returns the entries to strike. A name is enough for an entry whose
// blobs can't be read any more, so that a damaged image can be removed.
func (s *Store) doomed(index *ocispec.Index, nameOrID string, force bool) ([]ocispec.Descriptor, error) {
	if entry, ok := findName(index, nameOrID); ok {
		return []ocispec.Descriptor{entry}, nil
	}
	img, err := s.findID(nameOrID)
	if err != nil {
		return nil, err
	}
	if len(img.Names) > 1 && !force {
		return nil, fmt.Errorf("%w: %s: remove it by name, or by force", ErrHasNames, strings.Join(img.Names, ", "))
	}
	var list []ocispec.Descriptor
	for _, entry := range index.Manifests {
		if other, err := s.load(entry); err == nil && other.ID == img.ID {
			list = append(list, entry)
		}
	}
	return list, nil
}

// strike takes entries out of the index.
func (s *Store) strike(index *ocispec.Index, doomed []ocispec.Descriptor) Removal {
	var done Removal
	for _, entry := range doomed {
		index.Manifests = slices.DeleteFunc(index.Manifests, func(e ocispec.Descriptor) bool {
			return e.Digest == entry.Digest && entryName(e) == entryName(entry)
		})
		if name := entryName(entry); name != "" {
			done.Untagged = append(done.Untagged, familiar(name))
		}
		img, err := s.load(entry)
		if err == nil && !hasManifest(index, entry.Digest) && !slices.Contains(done.Deleted, img.ID) {
			done.Deleted = append(done.Deleted, img.ID)
		}
	}
	return done
}
