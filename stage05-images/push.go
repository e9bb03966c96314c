package images

import (
	"context"
	"fmt"
	"io"
	"time"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PushOptions say how to push.
type PushOptions struct {
	Progress Progress      // nil is silence
	Insecure bool          // allow plain HTTP and unverified TLS; loopback may always
	Patience time.Duration // the longest wait for a registry that says nothing; 0 is 30 s
}

// Push sends an image to the registry that its name begins with, and returns
// the digest of its manifest. Blobs that the repository has aren't sent again;
// the manifest goes last, so that the name never means an image with holes.
//
// What is sent is what the store holds, byte for byte: an image that was
// pulled has the same digest in its new place.
func Push(ctx context.Context, s *Store, name string, opts PushOptions) (digest.Digest, error) {
	ref, err := ParseName(name)
	if err != nil {
		return "", err
	}
	if ref.Digest != "" {
		return "", fmt.Errorf("push %s: give a tag: the digest is the registry's to compute", name)
	}
	img, err := s.Find(name)
	if err != nil {
		return "", err
	}
	repo, err := openRepository(ref, registry.Options{Push: true, Insecure: opts.Insecure, Patience: opts.Patience})
	if err != nil {
		return "", err
	}
	defer repo.Close()
	progress := orSilent(opts.Progress)
	progress.Say("Pushing to " + ref.Name())
	if err := s.push(ctx, repo, img, ref.Tag, progress); err != nil {
		return "", fmt.Errorf("push %s: %w", ref.Familiar(), err)
	}
	if err := s.name(img.Descriptor, ref, img.Descriptor.Digest); err != nil {
		return "", err
	}
	progress.Say(fmt.Sprintf("%s: digest: %s size: %d", ref.Tag, img.Descriptor.Digest, img.Descriptor.Size))
	return img.Descriptor.Digest, nil
}

func (s *Store) push(ctx context.Context, repo *registry.Repository, img *Image, tag string, progress Progress) error {
	hold, err := s.hold(img.digests()...)
	if err != nil {
		return err
	}
	defer hold.release()
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(3)
	for _, l := range s.layersOf(&img.Manifest, &img.Config) {
		group.Go(func() error { return s.pushBlob(all, repo, l.desc, progress) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := s.pushBlob(ctx, repo, img.Manifest.Config, silent{}); err != nil {
		return err
	}
	body, err := s.readBlob(img.Descriptor.Digest)
	if err != nil {
		return err
	}
	return repo.PutManifest(ctx, tag, registry.Manifest{MediaType: img.Descriptor.MediaType, Digest: img.Descriptor.Digest, Bytes: body})
}

func (s *Store) pushBlob(ctx context.Context, repo *registry.Repository, desc ocispec.Descriptor, progress Progress) error {
	id := ShortID(desc.Digest)
	there, err := repo.HasBlob(ctx, desc.Digest)
	if err != nil {
		return err
	}
	if there {
		progress.Layer(id, "Already there", 0, 0)
		return nil
	}
	err = repo.Upload(ctx, desc, func() (io.ReadCloser, error) {
		blob, err := s.openBlob(desc)
		if err != nil {
			return nil, err
		}
		body := counting(ctx, blob, func(n int64) { progress.Layer(id, "Pushing", n, desc.Size) })
		return struct {
			io.Reader
			io.Closer
		}{body, blob}, nil
	})
	if err != nil {
		return err
	}
	progress.Layer(id, "Complete", desc.Size, desc.Size)
	return nil
}
