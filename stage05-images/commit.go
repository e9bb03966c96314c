package images

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// CommitOptions say what a new image is made of.
type CommitOptions struct {
	Parent *Image    // what the layer lies upon; nil for nothing
	Layer  io.Reader // an uncompressed layer, as unionfs.Diff writes it
	Config RunConfig // how containers of it are run: all of it, nothing of the parent's is mixed in

	Platform ocispec.Platform // zero is the parent's, or this machine's

	Author    string
	Comment   string
	CreatedBy string    // the command behind the layer, for the history
	Created   time.Time // zero is now

	Name string // "" leaves it without a name, to be found by its ID
}

// emptyLayer is the diffID of a layer in which nothing is: two blocks of zeros.
// An image upon a parent leaves it out and says so in its history, as Docker's do.
const emptyLayer digest.Digest = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

// Commit makes an image of a parent's layers and one more. The layer is read
// once: hashed, compressed into a blob, and unpacked, so that a container of
// the new image starts without further work.
func (s *Store) Commit(ctx context.Context, opts CommitOptions) (*Image, error) {
	if opts.Name != "" {
		if _, err := ParseName(opts.Name); err != nil {
			return nil, err
		}
	}
	if opts.Created.IsZero() {
		opts.Created = time.Now().UTC()
	}
	img, err := s.commit(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("commit image: %w", err)
	}
	return img, nil
}

func (s *Store) commit(ctx context.Context, opts CommitOptions) (*Image, error) {
	hold, err := s.hold(opts.Parent.digests()...)
	if err != nil {
		return nil, err
	}
	defer hold.release()
	layer, err := s.pack(ctx, opts.Layer, opts.Parent)
	if err != nil {
		return nil, err
	}
	arrivals := []*ingest{layer.ingest}
	defer func() { finish(arrivals) }()
	if opts.Parent != nil && layer.diffID == emptyLayer {
		layer.ingest.abandon()
		arrivals, layer = nil, nil
	}

	config, configDesc, err := s.ingestJSON(ctx, ocispec.MediaTypeImageConfig, newConfig(opts, layer))
	if err != nil {
		return nil, err
	}
	arrivals = append(arrivals, config)
	manifest, desc, err := s.ingestJSON(ctx, registry.OCIManifest, newManifest(opts.Parent, configDesc, layer))
	if err != nil {
		return nil, err
	}
	arrivals = append(arrivals, manifest)
	for _, in := range arrivals {
		if err := hold.add(in.blob, in.layer, in.chain); err != nil {
			return nil, err
		}
	}
	if err := s.publish(arrivals); err != nil {
		return nil, err
	}
	return s.admit(desc, opts.Name)
}

// admit names an image, or lists it without a name.
func (s *Store) admit(desc ocispec.Descriptor, name string) (*Image, error) {
	if name == "" {
		err := s.update(func(index *ocispec.Index) error {
			if !hasManifest(index, desc.Digest) {
				setEntry(index, desc)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		return s.load(desc)
	}
	ref, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	if err := s.name(desc, ref, ""); err != nil {
		return nil, err
	}
	return s.Find(name)
}

func (s *Store) ingestJSON(ctx context.Context, mediaType string, document any) (*ingest, ocispec.Descriptor, error) {
	data, err := json.Marshal(document)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	in, err := s.ingestBytes(ctx, data)
	if err != nil {
		return nil, ocispec.Descriptor{}, err
	}
	return in, ocispec.Descriptor{MediaType: mediaType, Digest: in.blob, Size: int64(len(data))}, nil
}
