package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"cooper/stage05-images/reference"
	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// PullOptions say how to pull.
type PullOptions struct {
	Platform string   // "linux/arm64"; "" is this machine's
	Progress Progress // nil is silence
	Insecure bool     // allow plain HTTP and unverified TLS; loopback may always

	// Patience is the longest wait for a registry that says nothing; 0 is 30 s.
	Patience time.Duration
}

// Pull brings an image from its registry, or a mirror of it, into the store and
// returns it, ready to run. What the store has already isn't fetched again.
// When it fails, no name has changed; after a broken connection the bytes
// received are kept for the next try, after a refusal nothing is.
//
//	HEAD: unchanged? ─▶ manifest ─▶ config ─▶ layers ─▶ syncfs ─▶ names of blobs and layers ─▶ index.json
func Pull(ctx context.Context, s *Store, name string, opts PullOptions) (*Image, error) {
	ref, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	want, err := ParsePlatform(opts.Platform)
	if err != nil {
		return nil, err
	}
	p := &pull{store: s, ref: ref, want: want, demanded: opts.Platform != "", progress: orSilent(opts.Progress)}
	p.progress.Say(fmt.Sprintf("%s: Pulling from %s", ref.Identifier(), ref.Path))
	var img *Image
	err = anywhere(ctx, ref, opts, func(repo *registry.Repository) (err error) {
		p.repo = repo
		img, err = p.run(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("pull %s: %w", ref.Familiar(), err)
	}
	p.progress.Say("Digest: " + p.top.String())
	p.progress.Say("Status: " + p.status() + " " + ref.Familiar())
	return img, nil
}

// pull is one image on its way.
type pull struct {
	store    *Store
	repo     *registry.Repository
	ref      reference.Reference
	want     ocispec.Platform
	demanded bool // the platform was asked for, so no other will do
	progress Progress

	top      digest.Digest // what the registry calls it
	upToDate bool
}

func (p *pull) status() string {
	if p.upToDate {
		return "Image is up to date for"
	}
	return "Downloaded newer image for"
}

func (p *pull) run(ctx context.Context) (*Image, error) {
	if img, err := p.unchanged(ctx); img != nil || err != nil {
		p.upToDate = true
		return img, err
	}
	raw, err := p.manifest(ctx)
	if err != nil {
		return nil, err
	}
	manifest, err := parseManifest(raw.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrRefused, err)
	}
	hold, err := p.store.hold(raw.Digest, manifest.Config.Digest)
	if err != nil {
		return nil, err
	}
	defer hold.release()
	configBytes, config, err := p.config(ctx, manifest)
	if err != nil {
		return nil, err
	}
	if p.demanded && !suits(config.Platform, p.want) {
		return nil, fmt.Errorf("%w: the image is for %s, not for %s", registry.ErrRefused, platformString(config.Platform), platformString(p.want))
	}
	layers := p.store.layersOf(manifest, config)
	if err := hold.add(digestsOf(layers)...); err != nil {
		return nil, err
	}
	return p.bring(ctx, raw, manifest, layers, configBytes)
}

// manifest fetches the image's manifest, by way of the index where there is
// one.
func (p *pull) manifest(ctx context.Context) (*registry.Manifest, error) {
	raw, err := p.repo.Manifest(ctx, p.ref.Identifier())
	if err != nil {
		return nil, err
	}
	p.top = raw.Digest
	if !isIndex(raw.MediaType) {
		return raw, nil
	}
	list, err := parseIndex(raw.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrRefused, err)
	}
	err = fetchFor(list, p.want, func(desc ocispec.Descriptor) ([]byte, error) {
		raw, err = p.listed(ctx, desc)
		if err != nil {
			return nil, err
		}
		return raw.Bytes, nil
	})
	return raw, err
}

// listed fetches a manifest that an index lists.
func (p *pull) listed(ctx context.Context, desc ocispec.Descriptor) (*registry.Manifest, error) {
	raw, err := p.repo.Manifest(ctx, desc.Digest.String())
	if err != nil {
		return nil, err
	}
	if raw.MediaType != desc.MediaType || int64(len(raw.Bytes)) != desc.Size {
		return nil, fmt.Errorf("%w: manifest %s isn't what the index says of it", registry.ErrRefused, desc.Digest)
	}
	return raw, nil
}

// config returns the configuration, from the store where it is there.
func (p *pull) config(ctx context.Context, manifest *ocispec.Manifest) ([]byte, *Config, error) {
	body, err := p.store.readBlob(manifest.Config.Digest)
	if err != nil {
		if body, err = p.fetchConfig(ctx, manifest.Config); err != nil {
			return nil, nil, err
		}
	}
	config, err := parseConfig(body, len(manifest.Layers))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", registry.ErrRefused, err)
	}
	return body, config, nil
}

func (p *pull) fetchConfig(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	remote := p.repo.Blob(ctx, desc, 0)
	defer remote.Close()
	blob := newHashing(remote)
	body, err := io.ReadAll(blob)
	if err != nil {
		return nil, err
	}
	return body, blob.check(desc)
}

// bring receives what is missing and names the image.
func (p *pull) bring(ctx context.Context, raw *registry.Manifest, manifest *ocispec.Manifest, layers []*layer, config []byte) (*Image, error) {
	arrivals, err := receiveLayers(ctx, layers, p.repo.Blob, p.progress)
	if err != nil {
		return nil, err
	}
	defer func() { finish(arrivals) }()
	for d, document := range map[digest.Digest][]byte{raw.Digest: raw.Bytes, manifest.Config.Digest: config} {
		if _, err := p.store.readBlob(d); err == nil {
			continue
		}
		in, err := p.store.ingestBytes(ctx, document)
		if err != nil {
			return nil, err
		}
		arrivals = append(arrivals, in)
	}
	if err := p.store.publish(arrivals); err != nil {
		return nil, err
	}
	before, _ := p.store.Find(p.ref.String())
	desc := ocispec.Descriptor{MediaType: raw.MediaType, Digest: raw.Digest, Size: int64(len(raw.Bytes))}
	if err := p.store.name(desc, p.ref, p.top); err != nil {
		return nil, err
	}
	p.upToDate = len(arrivals) == 0 && before != nil && before.Descriptor.Digest == raw.Digest
	return p.store.Find(p.ref.String())
}

// IsRefused reports whether an error of Pull or Push means that the registry
// sent something wrong, rather than nothing.
func IsRefused(err error) bool { return errors.Is(err, registry.ErrRefused) }
