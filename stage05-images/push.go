package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
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
	img, release, err := s.Use(name)
	if err != nil {
		return "", err
	}
	defer release()
	elsewhere, err := s.elsewhere(ref, img)
	if err != nil {
		return "", err
	}
	repo, err := openRepository(ref.Host, ref.Path, registry.Options{
		Push: true, From: slices.Compact(slices.Sorted(maps.Values(elsewhere))), Insecure: opts.Insecure, Patience: opts.Patience,
	})
	if err != nil {
		return "", err
	}
	defer repo.Close()
	progress := orSilent(opts.Progress)
	progress.Say(fmt.Sprintf("The push refers to repository [%s]", ref.Name()))
	p := &push{store: s, repo: repo, elsewhere: elsewhere, progress: progress}
	if err := p.run(ctx, img, ref.Tag); err != nil {
		return "", fmt.Errorf("push %s: %w", ref.Familiar(), err)
	}
	if err := s.name(img.Descriptor, ref, img.Descriptor.Digest); err != nil {
		return "", err
	}
	progress.Say(fmt.Sprintf("%s: digest: %s size: %d", ref.Tag, img.Descriptor.Digest, img.Descriptor.Size))
	return img.Descriptor.Digest, nil
}

// push is one image on its way out.
type push struct {
	store     *Store
	repo      *registry.Repository
	elsewhere map[digest.Digest]string // other repositories of the registry that have a blob
	progress  Progress
}

func (p *push) run(ctx context.Context, img *Image, tag string) error {
	layers := p.store.layersOf(&img.Manifest, &img.Config)
	group, all := errgroup.WithContext(ctx)
	group.SetLimit(3)
	for _, l := range layers {
		p.progress.Layer(ShortID(l.desc.Digest), "Preparing", 0, 0)
	}
	for _, l := range layers {
		group.Go(func() error { return p.blob(all, l.desc, p.progress) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := p.blob(ctx, img.Manifest.Config, silent{}); err != nil {
		return err
	}
	body, err := p.store.readBlob(img.Descriptor.Digest)
	if err != nil {
		return err
	}
	return p.repo.PutManifest(ctx, tag, registry.Manifest{MediaType: img.Descriptor.MediaType, Digest: img.Descriptor.Digest, Bytes: body})
}

// blob sends a blob if it isn't there: HEAD costs less than the bytes.
func (p *push) blob(ctx context.Context, desc ocispec.Descriptor, progress Progress) error {
	id := ShortID(desc.Digest)
	there, err := p.repo.HasBlob(ctx, desc.Digest)
	if err != nil {
		return err
	}
	if there {
		progress.Layer(id, "Layer already exists", 0, 0)
		return nil
	}
	from := p.elsewhere[desc.Digest]
	mounted, err := p.repo.Upload(ctx, registry.Content{
		Descriptor: desc, From: from,
		Open: func(offset int64) (io.ReadCloser, error) {
			return p.open(ctx, desc, offset, func(n int64) { progress.Layer(id, "Pushing", offset+n, desc.Size) })
		},
	})
	switch {
	case err != nil:
		return err
	case mounted:
		progress.Layer(id, "Mounted from "+from, 0, 0)
	default:
		progress.Layer(id, "Pushed", 0, 0)
	}
	return nil
}

// open opens a blob behind the bytes that the registry has. These are read all
// the same: a blob is checked as a whole, so that a damaged one isn't passed on.
func (p *push) open(ctx context.Context, desc ocispec.Descriptor, offset int64, report func(n int64)) (io.ReadCloser, error) {
	blob, err := p.store.openBlob(desc)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, blob, offset); err != nil {
		return nil, errors.Join(err, blob.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{counting(ctx, blob, report), blob}, nil
}
