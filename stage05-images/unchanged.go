package images

import (
	"context"
	"slices"

	"github.com/opencontainers/go-digest"
)

// unchanged returns the image that the store has under the name, if it's whole,
// is for that very platform, and is what the registry still means by the name.
// That is the usual case, and costs one HEAD, or nothing at all for a name with
// a digest, which can't change its meaning. Whatever is in doubt, nil, the
// manifest itself is asked for.
func (p *pull) unchanged(ctx context.Context) (*Image, error) {
	img, err := p.store.Find(p.ref.String())
	if err != nil || !p.store.whole(img) {
		return nil, nil
	}
	// The index may have one that fits better than what is here.
	if n, runs := rank(img.Config.Platform, p.want); !runs || n > 0 {
		return nil, nil
	}
	p.top = digest.Digest(p.ref.Digest)
	if p.top == "" {
		if p.top, err = p.repo.Resolve(ctx, p.ref.Tag); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(img.Digests, p.ref.FamiliarName()+"@"+p.top.String()) {
		return nil, nil
	}
	for _, l := range p.store.layersOf(&img.Manifest, &img.Config) {
		p.progress.Layer(ShortID(l.desc.Digest), "Already exists", 0, 0)
	}
	return img, nil
}

// whole reports whether nothing of an image is missing: Find has read its
// documents.
func (s *Store) whole(img *Image) bool {
	return !slices.ContainsFunc(s.layersOf(&img.Manifest, &img.Config), func(l *layer) bool {
		return !l.unpacked() || !s.hasBlob(l.desc)
	})
}
