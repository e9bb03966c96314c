package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// Loaded is an image that Load has brought.
type Loaded struct {
	ID    digest.Digest
	Names []string // in short form; none for an image that was saved by its ID

	// Displaced tells the names that meant another image until now: its ID by
	// the name.
	Displaced map[string]digest.Digest
}

// Load brings the images of an archive into the store, ready to run, and
// returns them in the archive's order. It takes what Save writes, and the
// archives of Docker, Podman and skopeo, plain or packed with gzip, zstd, xz or
// bzip2; r may be a pipe.
//
// Configurations and manifests are kept byte for byte, every layer is compared
// with what its configuration says it unpacks to, and no name in the archive
// is ever a path on this machine. When it fails, no name has changed and
// nothing is kept.
func (s *Store) Load(ctx context.Context, r io.Reader, progress Progress) ([]Loaded, error) {
	list, err := s.loadArchive(ctx, r, orSilent(progress))
	if err != nil {
		return nil, fmt.Errorf("load images: %w", err)
	}
	return list, nil
}

func (s *Store) loadArchive(ctx context.Context, r io.Reader, progress Progress) ([]Loaded, error) {
	hold, err := s.hold()
	if err != nil {
		return nil, err
	}
	defer hold.release()
	plain, err := decompress(r)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	m := newMembers(s, hold, progress)
	defer m.abandon()
	if err := m.read(ctx, plain); err != nil {
		return nil, err
	}
	parcels, err := m.parcels()
	if err != nil {
		return nil, err
	}
	if err := m.bring(ctx, parcels); err != nil {
		return nil, err
	}
	return s.nameParcels(parcels)
}

// bring unpacks what the images need and publishes it.
func (m *members) bring(ctx context.Context, parcels []*parcel) error {
	if err := m.holdAll(parcels); err != nil {
		return err
	}
	arrivals, err := m.unpack(ctx, parcels)
	if err != nil {
		return err
	}
	var documents []*ingest
	defer func() { finish(documents) }()
	for _, p := range parcels {
		for _, document := range [][]byte{p.manifestBytes, p.configBytes} {
			in, err := m.store.ingestBytes(ctx, document)
			if err != nil {
				return err
			}
			documents = append(documents, in)
		}
	}
	if err := m.store.publish(append(arrivals, documents...)); err != nil {
		return err
	}
	return m.complete(ctx, parcels)
}

// complete unpacks the layers that lean, and those whose blobs were there and no
// trees. Where that fails, what has been published goes again.
func (m *members) complete(ctx context.Context, parcels []*parcel) error {
	for _, p := range parcels {
		if err := m.store.Unpack(ctx, newImage(p.desc, p.manifest, p.config)); err != nil {
			m.hold.release()
			return errors.Join(err, m.store.Collect())
		}
	}
	return nil
}

// holdAll comes before any look at what the store has of these.
func (m *members) holdAll(parcels []*parcel) error {
	var all []digest.Digest
	for _, p := range parcels {
		all = append(all, digestsOf(m.store.layersOf(p.manifest, p.config))...)
		all = append(all, p.desc.Digest, p.manifest.Config.Digest)
	}
	return m.hold.add(all...)
}

// unpack makes trees of the layers that are needed and have none yet, three at
// a time.
func (m *members) unpack(ctx context.Context, parcels []*parcel) ([]*ingest, error) {
	came := map[digest.Digest]*member{}
	for _, layer := range m.layers {
		if came[layer.desc.Digest] == nil || came[layer.desc.Digest].in == nil {
			came[layer.desc.Digest] = layer
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(3)
	known := sync.OnceValue(m.store.pairs)
	wanted := map[digest.Digest]digest.Digest{}
	var arrivals []*ingest
	for _, p := range parcels {
		for _, l := range m.store.layersOf(p.manifest, p.config) {
			switch layer := came[l.desc.Digest]; {
			case wanted[l.desc.Digest] == l.diffID:
				continue // by an image before this one
			case wanted[l.desc.Digest] != "":
				return nil, errors.Join(group.Wait(), fmt.Errorf("%w: two images say that layer %s unpacks to two things", errArchive, ShortID(l.desc.Digest)))
			case layer != nil && layer.in != nil:
				arrivals = append(arrivals, layer.in)
				group.Go(func() error { return layer.unpack(ctx, l) })
			case !m.store.hasBlob(l.desc):
				return nil, errors.Join(group.Wait(), fmt.Errorf("%w: layer %s isn't in it", errArchive, ShortID(l.desc.Digest)))
			case l.unpacked() && !known().have(l):
				group.Go(func() error { return l.prove(ctx) })
			}
			wanted[l.desc.Digest] = l.diffID
		}
	}
	return arrivals, group.Wait()
}

// nameParcels gives the images their names, all at once.
func (s *Store) nameParcels(parcels []*parcel) (list []Loaded, err error) {
	err = s.update(func(index *ocispec.Index) error {
		for _, p := range parcels {
			loaded := Loaded{ID: p.manifest.Config.Digest, Displaced: map[string]digest.Digest{}}
			for _, ref := range p.names {
				loaded.Names = append(loaded.Names, ref.Familiar())
				if old, ok := findName(index, ref.String()); ok {
					if old.Digest == p.desc.Digest {
						continue // and what a registry said of it stays
					}
					if img, err := s.load(old); err == nil && img.ID != loaded.ID {
						loaded.Displaced[ref.Familiar()] = img.ID
					}
				}
				setEntry(index, named(p.desc, ref, ""))
			}
			if !hasManifest(index, p.desc.Digest) {
				setEntry(index, p.desc)
			}
			list = append(list, loaded)
		}
		return nil
	})
	return list, err
}
