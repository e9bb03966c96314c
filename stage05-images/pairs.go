package images

import (
	"context"
	"fmt"
	"io"

	"github.com/opencontainers/go-digest"
)

// pairs are the blobs of the images in the store, each with the diffID of the
// layer that it unpacks to. That is known only of these: each was compared when
// its image came, unless another program has written it here. The diffID in a
// stranger's configuration may be that of a layer which is unpacked here
// already; if it were believed, any blob could pass for that layer, and be
// saved, pushed, and taken for it by the next load.
type pairs map[[2]digest.Digest]bool

func (p pairs) have(l *layer) bool { return p[[2]digest.Digest{l.desc.Digest, l.diffID}] }

func (s *Store) pairs() pairs {
	known := pairs{}
	list, _ := s.List() // one that can't be read says nothing
	for _, img := range list {
		for place, desc := range img.Manifest.Layers {
			known[[2]digest.Digest{desc.Digest, img.Config.RootFS.DiffIDs[place]}] = true
		}
	}
	return known
}

// prove reads a stored blob to see whether it is the layer that it is said to be.
func (l *layer) prove(ctx context.Context) error {
	blob, err := l.store.openBlob(l.desc)
	if err != nil {
		return err
	}
	defer blob.Close()
	whole := counting(ctx, blob, func(int64) {})
	in := &ingest{store: l.store}
	if err := in.measure(ctx, whole); err != nil {
		return fmt.Errorf("layer %s: %w", ShortID(l.desc.Digest), err)
	}
	if _, err := io.Copy(io.Discard, whole); err != nil {
		return err
	}
	return in.compare(l.desc, l.diffID)
}
