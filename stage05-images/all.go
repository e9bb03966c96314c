package images

import (
	"context"
	"errors"
	"fmt"

	"cooper/stage05-images/reference"
	"cooper/stage05-images/registry"
)

// PullAll pulls every tag of a repository. A tag may mean something else than
// an image: a chart, a signature of another tag's. Those are told and passed
// over, and so is an image that there isn't for the platform.
func PullAll(ctx context.Context, s *Store, name string, opts PullOptions) error {
	ref, err := ParseName(name)
	if err != nil {
		return err
	}
	var tags []string
	err = anywhere(ctx, ref, opts, func(repo *registry.Repository) (err error) {
		tags, err = repo.Tags(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("pull %s: %w", ref.FamiliarName(), err)
	}
	pulled := 0
	for _, tag := range tags {
		_, err := Pull(ctx, s, ref.Name()+":"+tag, opts)
		switch {
		case errors.Is(err, ErrNotImage), errors.Is(err, errNoPlatform):
			orSilent(opts.Progress).Say(fmt.Sprintf("%s: Passed over: %s", registry.Printable(tag), registry.Printable(err.Error())))
		case err != nil:
			return err
		default:
			pulled++
		}
	}
	if pulled == 0 {
		return fmt.Errorf("pull %s: %w: the repository has no tag that is an image", ref.FamiliarName(), registry.ErrNotFound)
	}
	return nil
}

// PushAll pushes every tag that the store has of a repository, and returns
// their names.
func PushAll(ctx context.Context, s *Store, name string, opts PushOptions) ([]string, error) {
	ref, err := ParseName(name)
	if err != nil {
		return nil, err
	}
	tags, err := s.tagsOf(ref)
	if err != nil {
		return nil, err
	}
	for _, name := range tags {
		if _, err := Push(ctx, s, name, opts); err != nil {
			return nil, err
		}
	}
	if len(tags) == 0 {
		return nil, fmt.Errorf("push %s: %w of that repository", ref.FamiliarName(), ErrNotFound)
	}
	return tags, nil
}

func (s *Store) tagsOf(ref reference.Reference) (names []string, err error) {
	index, err := s.readIndex()
	if err != nil {
		return nil, err
	}
	for _, entry := range index.Manifests {
		if own, err := ParseName(entryName(entry)); err == nil && own.Name() == ref.Name() && own.Tag != "" {
			names = append(names, own.String())
		}
	}
	return names, nil
}
