package images

import (
	"context"
	"fmt"

	"cooper/stage05-images/reference"
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

// anywhere acts on a repository at the registry's mirrors, one after the other,
// and then at the registry itself, until it succeeds. A mirror may be down, lag
// behind or lie: whatever it does, the next one is asked. It gets its own login,
// if it has one, and never that of the registry.
func anywhere(ctx context.Context, ref reference.Reference, opts PullOptions, act func(*registry.Repository) error) error {
	mirrors, err := registry.Mirrors(ref.Host)
	if err != nil {
		return err
	}
	for _, mirror := range mirrors {
		options := registry.Options{PlainHTTP: mirror.PlainHTTP, Patience: opts.Patience}
		err := at(mirror.Host, ref.Path, options, act)
		if err == nil || ctx.Err() != nil {
			return err
		}
		orSilent(opts.Progress).Say(fmt.Sprintf("Mirror %s failed: %s", mirror.Host, registry.Printable(err.Error())))
	}
	return at(ref.Host, ref.Path, registry.Options{Insecure: opts.Insecure, Patience: opts.Patience}, act)
}

func at(host, path string, opts registry.Options, act func(*registry.Repository) error) error {
	repo, err := openRepository(host, path, opts)
	if err != nil {
		return err
	}
	defer repo.Close()
	return act(repo)
}
