package images

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"

	"cooper/stage05-images/registry"

	"golang.org/x/sync/errgroup"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// layer is one layer on its way into the store.
type layer struct {
	store  *Store
	desc   ocispec.Descriptor
	diffID digest.Digest
	stack  *stack  // that it lies in
	places []int   // where, from the lowest, 0: an image may have it twice
	in     *ingest // nil: blob and tree are there
}

// fetcher opens a blob at an offset; nil where there is only the store.
type fetcher func(ctx context.Context, desc ocispec.Descriptor, offset int64) io.ReadCloser

// layersOf lists an image's layers, each blob once, in the order of their
// digests, which is the order in which they are locked.
func (s *Store) layersOf(manifest *ocispec.Manifest, config *Config) []*layer {
	k := s.stackOf(config.RootFS.DiffIDs)
	byBlob := map[digest.Digest]*layer{}
	for place, desc := range manifest.Layers {
		l := byBlob[desc.Digest]
		if l == nil {
			l = &layer{store: s, desc: desc, diffID: k.diffIDs[place], stack: k}
			byBlob[desc.Digest] = l
		}
		l.places = append(l.places, place)
	}
	return slices.SortedFunc(maps.Values(byBlob), func(a, b *layer) int { return cmp.Compare(a.desc.Digest, b.desc.Digest) })
}

// unpacked reports whether the layer has a directory wherever it lies.
func (l *layer) unpacked() bool {
	return !slices.ContainsFunc(l.places, func(place int) bool { return l.stack.unpacked(place) == "" })
}

// isComplete reports whether nothing of the layer is missing. Without a fetcher
// only what a container needs counts. That blob and tree are both there doesn't
// make them one layer: a stranger's image may bring any two together.
func (l *layer) isComplete(fetch fetcher, known func() pairs) bool {
	return l.unpacked() && (fetch == nil || l.store.hasBlob(l.desc) && known().have(l))
}

// receiveLayers fills in what is missing, three layers at a time, each in its
// own ingest, and then those that lean on others. It returns the ingests with
// their locks. When one fails, the others are stopped and everything is put away.
func receiveLayers(ctx context.Context, layers []*layer, fetch fetcher, progress Progress) (_ []*ingest, err error) {
	defer func() {
		if err != nil {
			putAway(layers, err)
		}
	}()
	if err := lockMissing(ctx, layers, fetch, progress); err != nil {
		return nil, err
	}
	group, alone := errgroup.WithContext(ctx)
	group.SetLimit(3)
	var arrivals []*ingest
	for _, l := range layers {
		if l.in != nil {
			arrivals = append(arrivals, l.in)
			group.Go(func() error { return l.receive(alone, fetch, progress) })
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	leaning, err := lean(ctx, layers)
	return append(arrivals, leaning...), err
}

// lockMissing locks the layers to receive. By the time it has a lock another
// pull may have brought the layer.
func lockMissing(ctx context.Context, layers []*layer, fetch fetcher, progress Progress) error {
	known := sync.OnceValue(func() pairs { return layers[0].store.pairs() })
	for _, l := range layers {
		if !l.isComplete(fetch, known) {
			progress.Layer(ShortID(l.desc.Digest), "Waiting", 0, 0)
			in, err := l.store.ingest(ctx, hexOf(l.desc.Digest))
			if err != nil {
				return err
			}
			if l.in = in; !l.isComplete(fetch, l.store.pairs) {
				continue
			}
			l.in.abandon()
			l.in = nil
		}
		progress.Layer(ShortID(l.desc.Digest), "Already exists", 0, 0)
	}
	return nil
}

// putAway ends the ingests of a pull that failed. What came over a broken line
// is kept, so that the next pull goes on behind it; of what was refused,
// nothing is.
func putAway(layers []*layer, err error) {
	interrupted := errors.Is(err, registry.ErrInterrupted) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	for _, l := range layers {
		switch {
		case l.in == nil:
		case interrupted:
			l.in.suspend()
		default:
			l.in.abandon()
		}
	}
}

// receive brings one layer in: from its blob where the store has that, or else
// from the registry, which also replaces a blob that turns out to be damaged.
func (l *layer) receive(ctx context.Context, fetch fetcher, progress Progress) error {
	report := func(state string, n int64) { progress.Layer(ShortID(l.desc.Digest), state, n, l.desc.Size) }
	err := fmt.Errorf("%w: its blob is missing", registry.ErrRefused)
	if l.store.hasBlob(l.desc) {
		err = l.fromStore(ctx, report)
	}
	if errors.Is(err, registry.ErrRefused) {
		if fetch == nil {
			return fmt.Errorf("%w: layer %s: %w: pull the image again", ErrCorrupt, ShortID(l.desc.Digest), err)
		}
		err = l.fromRegistry(ctx, fetch, report)
	}
	if err != nil {
		return fmt.Errorf("receive layer %s: %w", ShortID(l.desc.Digest), err)
	}
	progress.Layer(ShortID(l.desc.Digest), "Pull complete", 0, 0)
	return nil
}

func (l *layer) fromStore(ctx context.Context, report func(string, int64)) error {
	file, err := os.Open(l.store.blobPath(l.desc.Digest))
	if err != nil {
		return err
	}
	defer file.Close()
	return l.in.receive(ctx, counting(ctx, file, func(n int64) { report("Unpacking", n) }), l.desc, l.diffID, l.unpacked())
}

// fromRegistry goes on behind the bytes that an earlier pull left, and starts
// from the first one when these turn out to be damaged: a registry isn't
// blamed for what this machine's disk did.
func (l *layer) fromRegistry(ctx context.Context, fetch fetcher, report func(string, int64)) error {
	kept := l.in.received()
	if kept > 0 && kept <= l.desc.Size {
		err := l.download(ctx, fetch, kept, report)
		if !errors.Is(err, registry.ErrRefused) {
			return err
		}
	}
	if err := l.in.restart(); err != nil {
		return err
	}
	return l.download(ctx, fetch, 0, report)
}

func (l *layer) download(ctx context.Context, fetch fetcher, kept int64, report func(string, int64)) error {
	if _, err := l.in.file.Seek(kept, io.SeekStart); err != nil {
		return err
	}
	remote := fetch(ctx, l.desc, kept)
	defer remote.Close()
	blob := io.MultiReader(io.NewSectionReader(l.in.file, 0, kept), io.TeeReader(remote, l.in.file))
	if err := l.in.receive(ctx, counting(ctx, blob, func(n int64) { report("Downloading", n) }), l.desc, l.diffID, l.unpacked()); err != nil {
		return err
	}
	l.in.blob = l.desc.Digest
	return nil
}

// counting reports how many bytes were read, and ends when its context does:
// a local file knows no context of its own.
func counting(ctx context.Context, r io.Reader, report func(n int64)) io.Reader {
	var n int64
	return readerFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		m, err := r.Read(p)
		n += int64(m)
		report(n)
		return m, err
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
