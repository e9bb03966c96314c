package images

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/opencontainers/go-digest"
)

// What an image takes is what its layers unpack to. That number stands in no
// document of an image, and to walk the trees for every list would take
// seconds. So it is noted when a layer is unpacked, in sizes/HEX by diffID: the
// length of its tar, which is what gunzip and wc -c would say.

func (s *Store) sizePath(diffID digest.Digest) string { return s.path("sizes", hexOf(diffID)) }

// recordSizes comes before the syncfs of a publish. A note without its layer
// does no harm: it is true whenever the layer comes.
func (s *Store) recordSizes(arrivals []*ingest) error {
	for _, in := range arrivals {
		if in.unpacked == "" {
			continue
		}
		if err := os.MkdirAll(s.path("sizes"), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(s.sizePath(in.unpacked), strconv.AppendInt(nil, in.size, 10), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// LayerSizes tells how many bytes each layer of an image unpacks to, the lowest
// first. Of a layer that was never unpacked here, only its blob's size is known.
func (s *Store) LayerSizes(img *Image) []int64 {
	sizes := make([]int64, len(img.Manifest.Layers))
	for i, desc := range img.Manifest.Layers {
		sizes[i] = desc.Size
		if n, ok := s.layerSize(img.Config.RootFS.DiffIDs[i]); ok {
			sizes[i] = n
		}
	}
	return sizes
}

func (s *Store) layerSize(diffID digest.Digest) (n int64, ok bool) {
	text, err := os.ReadFile(s.sizePath(diffID))
	if err != nil {
		return 0, false
	}
	n, err = strconv.ParseInt(string(text), 10, 64)
	return n, err == nil && n >= 0
}

// knownLengths are those of the layers that were unpacked here.
func (s *Store) knownLengths() map[int64]bool {
	known := map[int64]bool{}
	entries, _ := readDir(s.path("sizes"))
	for _, entry := range entries {
		if n, ok := s.layerSize(digest.Digest("sha256:" + entry.Name())); ok {
			known[n] = true
		}
	}
	return known
}

// UnpackedSize is what all layers of an image take together.
func (s *Store) UnpackedSize(img *Image) (sum int64) {
	for _, size := range s.LayerSizes(img) {
		sum += size
	}
	return sum
}

func (s *Store) sweepSizes(needed map[digest.Digest]bool) error {
	entries, err := readDir(s.path("sizes"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if needed[digest.Digest("sha256:"+entry.Name())] {
			continue
		}
		if err := os.Remove(s.path("sizes", entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove size: %w", err)
		}
	}
	return nil
}
