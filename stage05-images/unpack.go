package images

import (
	"context"
	"fmt"

	"github.com/opencontainers/go-digest"
)

// Unpack makes sure that every layer of an image lies unpacked in the store. A
// pulled image's layers do; those of an image that another program wrote into
// the layout are unpacked here, several at once. It waits for a pull that is
// bringing one of them.
func (s *Store) Unpack(ctx context.Context, img *Image) error {
	if s.stackOf(img.Config.RootFS.DiffIDs).isUnpacked() {
		return nil
	}
	layers := s.layersOf(&img.Manifest, &img.Config)
	hold, err := s.hold(digestsOf(layers)...)
	if err != nil {
		return fmt.Errorf("unpack image %s: %w", ShortID(img.ID), err)
	}
	defer hold.release()
	arrivals, err := receiveLayers(ctx, layers, nil, silent{})
	if err != nil {
		return fmt.Errorf("unpack image %s: %w", ShortID(img.ID), err)
	}
	defer finish(arrivals)
	return s.publish(arrivals)
}

// finish ends ingests: what has been published stays, the rest goes.
func finish(arrivals []*ingest) {
	for _, in := range arrivals {
		in.abandon()
	}
}

// digestsOf lists what a collector must leave alone: blobs and trees.
func digestsOf(layers []*layer) []digest.Digest {
	var list []digest.Digest
	for _, l := range layers {
		list = append(list, l.desc.Digest)
	}
	if len(layers) > 0 {
		list = append(list, layerNames(layers[0].stack.diffIDs)...)
	}
	return list
}
