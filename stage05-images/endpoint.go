package images

import (
	"context"
	"fmt"

	"cooper/stage05-images/registry"
)

// openRepository opens a repository with what this machine knows of its
// registry: login, certificates, whether it may be insecure.
func openRepository(host, path string, opts registry.Options) (*registry.Repository, error) {
	opts, err := registry.Known(host, opts)
	if err != nil {
		return nil, err
	}
	return registry.Open(host, path, opts), nil
}

// fromAny pulls from the registry's mirrors, one after the other, and then from
// the registry itself. A mirror may be down, lag behind or lie: whatever it
// does, the next one is asked. It gets its own login, if it has one, and never
// that of the registry.
func (p *pull) fromAny(ctx context.Context, opts PullOptions) (*Image, error) {
	mirrors, err := registry.Mirrors(p.ref.Host)
	if err != nil {
		return nil, err
	}
	options := registry.Options{Insecure: opts.Insecure, Patience: opts.Patience}
	for _, mirror := range mirrors {
		img, err := p.from(ctx, mirror.Host, registry.Options{PlainHTTP: mirror.PlainHTTP, Patience: opts.Patience})
		if err == nil || ctx.Err() != nil {
			return img, err
		}
		p.progress.Say(fmt.Sprintf("Mirror %s failed: %s", mirror.Host, registry.Printable(err.Error())))
	}
	return p.from(ctx, p.ref.Host, options)
}

func (p *pull) from(ctx context.Context, host string, opts registry.Options) (*Image, error) {
	repo, err := openRepository(host, p.ref.Path, opts)
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	p.repo = repo
	return p.run(ctx)
}
