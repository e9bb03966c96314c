package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"cooper/stage05-images/registry"
)

// lean completes the layers of an image that lean on those below them, from
// the lowest up, after all have been unpacked alone. It returns the ingests
// that hold the complete trees, each locked as
//
//	ingest/chain-HEX, ingest/chain-HEX.tree/
//
// These locks come after those of the blobs, and in the order of the stack:
// since a chainID stands for all that is below it, two images that share some
// lock them in the same order.
func lean(ctx context.Context, layers []*layer) (made []*ingest, err error) {
	defer func() {
		if err != nil {
			finish(made)
		}
	}()
	var lower []string // topmost first
	for place, l := range inOrder(layers) {
		dir, in, err := l.complete(ctx, place, lower)
		if err != nil {
			return made, fmt.Errorf("receive layer %s: %w", ShortID(l.desc.Digest), err)
		}
		if in != nil {
			made = append(made, in)
		}
		lower = slices.Insert(lower, 0, dir)
	}
	return made, nil
}

// inOrder lists layers by their places in the stack.
func inOrder(layers []*layer) []*layer {
	byPlace := map[int]*layer{}
	for _, l := range layers {
		for _, place := range l.places {
			byPlace[place] = l
		}
	}
	list := make([]*layer, len(byPlace))
	for place, l := range byPlace {
		list[place] = l
	}
	return list
}

// complete returns the directory of the layer at a place: of one that is there
// or stands by itself, or else of one that it makes in an ingest.
func (l *layer) complete(ctx context.Context, place int, lower []string) (dir string, in *ingest, err error) {
	if dir = l.stack.unpacked(place); dir != "" {
		return dir, nil, nil
	}
	if l.in == nil || l.diffID != l.stack.diffIDs[place] {
		return "", nil, fmt.Errorf("%w: the configuration says that it unpacks to two things", registry.ErrRefused)
	}
	if l.in.layer != "" {
		return l.in.tree(), nil, nil
	}
	chain := l.stack.chains[place]
	if in, err = l.store.ingest(ctx, "chain-"+hexOf(chain)); err != nil {
		return "", nil, err
	}
	// By the time it has the lock another pull may have brought the layer.
	if dir = l.stack.unpacked(place); dir == "" {
		dir, in.chain = in.tree(), chain
		err = l.unpackOn(ctx, in, lower)
	}
	if in.chain == "" || err != nil {
		in.abandon()
		in = nil
	}
	return dir, in, err
}

// unpackOn makes the layer's tree on top of those below it. Where only
// directories lack their looks, it is the tree that is there, mended; where a
// hard link reaches down, or the image has the layer a second time, the blob is
// applied again.
func (l *layer) unpackOn(ctx context.Context, in *ingest, lower []string) error {
	if !l.in.leaning.Links {
		err := os.Rename(l.in.tree(), in.tree())
		if err == nil {
			return l.in.leaning.LookAsBelow(in.tree(), lower)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	var blob io.Reader = io.NewSectionReader(l.in.file, 0, l.desc.Size)
	if l.in.blob == "" {
		stored, err := l.store.openBlob(l.desc)
		if err != nil {
			return err
		}
		defer stored.Close()
		blob = stored
	}
	if _, err := in.apply(ctx, blob, lower); err != nil {
		return err
	}
	return in.compare(l.desc, l.diffID)
}
