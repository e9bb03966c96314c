package images

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	namespaces "cooper/stage01-namespaces"
	unionfs "cooper/stage04-unionfs"

	"github.com/klauspost/pgzip"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// packed is a new layer on its way into the store.
type packed struct {
	*ingest
	diffID digest.Digest
}

// pack takes an uncompressed layer in:
//
//	tar ──┬─▶ sha256 = diffID
//	      ├─▶ gzip ──┬─▶ sha256 = the blob's digest
//	      │          └─▶ ingest/…
//	      └─▶ unionfs.Apply ──▶ ingest/….tree
//
// gzip costs more than all the rest; pgzip spreads it over the processors, and
// writes the same bytes however many there are. The parent's layers are there,
// so a layer that leans on them is complete at once.
func (s *Store) pack(ctx context.Context, tar io.Reader, parent *Image) (_ *packed, err error) {
	below, err := s.unpackedLayers(ctx, parent)
	if err != nil {
		return nil, err
	}
	in, err := s.ingest(ctx, namespaces.NewID())
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			in.abandon()
		}
	}()
	blob := sha256.New()
	compressed := pgzip.NewWriter(io.MultiWriter(in.file, blob))
	layer := newHashing(counting(ctx, tar, func(int64) {}))
	applier := unionfs.Applier{Limits: unionfs.DefaultLimits(), Lower: below}
	leaning, err := applier.Apply(ctx, in.tree(), io.TeeReader(layer, compressed))
	if err != nil {
		compressed.Close()
		return nil, err
	}
	if err := compressed.Close(); err != nil {
		return nil, fmt.Errorf("compress layer: %w", err)
	}
	in.blob = digest.NewDigest(digest.SHA256, blob)
	in.name(parent, layer.digest(), leaning)
	in.unpacked, in.size = layer.digest(), layer.n
	return &packed{in, layer.digest()}, nil
}

// unpackedLayers returns the directories of an image's layers, topmost first,
// and makes sure that they are there.
func (s *Store) unpackedLayers(ctx context.Context, img *Image) ([]string, error) {
	if img == nil {
		return nil, nil
	}
	if err := s.Unpack(ctx, img); err != nil {
		return nil, err
	}
	return s.LayerDirs(img), nil
}

// name says what the tree becomes: a layer for every image, or one for this
// stack alone.
func (in *ingest) name(parent *Image, diffID digest.Digest, leaning unionfs.Leaning) {
	if !leaning.Any() {
		in.layer = diffID
		return
	}
	var diffIDs []digest.Digest
	if parent != nil {
		diffIDs = slices.Clone(parent.Config.RootFS.DiffIDs)
	}
	in.chain = identity.ChainID(append(diffIDs, diffID))
}

func (p *packed) descriptor() ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: p.blob, Size: p.received()}
}
