package images

import (
	"errors"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PruneChosen removes the images that choose wants to go, with all their names,
// and whatever nobody needs. It holds the lock while it looks, so that none is
// seen that is just being removed. Of those that can't be read only the damaged
// go that have no name: nothing could ever remove them, and until they are gone
// nothing is collected.
func (s *Store) PruneChosen(choose func(*Image) bool) (Removal, error) {
	done, err := s.drop(func(index *ocispec.Index) (doomed []ocispec.Descriptor, _ error) {
		for _, entry := range index.Manifests {
			img, err := s.load(entry)
			lost := errors.Is(err, ErrCorrupt) && entryName(entry) == ""
			if lost || err == nil && choose(img.withNames(index)) {
				doomed = append(doomed, entry)
			}
		}
		return doomed, nil
	})
	if err != nil {
		return done, fmt.Errorf("prune images: %w", err)
	}
	return done, nil
}
