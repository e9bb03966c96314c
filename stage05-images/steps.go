package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"
	unionfs "cooper/stage04-unionfs"
)

// Outside lists what the parent does: the image's layers are there before
// anything else is made for the container.
func Outside(s *Spec, p *namespaces.Process, store *Store) []namespaces.Step {
	return slices.Concat(
		Unpack(s, store),
		cgroups.Create(&s.Spec.Spec.Spec, p),
		namespaces.Clone(s.Base(), p),
		cgroups.Enter(&s.Spec.Spec.Spec, p),
		namespaces.Release(s, p),
		cgroups.Lower(&s.Spec.Spec.Spec, p),
	)
}

// Inside lists what the child does before it becomes the command. An image is
// all outside: this stage adds nothing.
func Inside(s *Spec) []namespaces.Step { return unionfs.Inside(&s.Spec) }

// Unpack lists this stage's share: the directories in s.Lower exist when it is
// done. It has no Undo, as they belong to the image and not to the container.
func Unpack(s *Spec, store *Store) []namespaces.Step {
	if s.ImageID == "" {
		return nil
	}
	return []namespaces.Step{{
		Name: "images/unpack",
		Why:  fmt.Sprintf("the layers of %s lie unpacked side by side, shared by all its containers", s.Image),
		Do:   func() error { return unpack(s, store) },
	}}
}

// unpack looks at the directories first: one that has its name is whole, and a
// container keeps its layers when its image is removed by force.
func unpack(s *Spec, store *Store) error {
	if !slices.ContainsFunc(s.Lower, isMissing) {
		return nil
	}
	img, err := store.Find(string(s.ImageID))
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("layers of %s are gone, and the image too: pull it again: %w", s.Image, ErrNotFound)
	}
	if err != nil {
		return err
	}
	if err := store.Unpack(context.Background(), img); err != nil {
		return err
	}
	s.Lower = store.LayerDirs(img) // which couldn't be told of a layer that wasn't unpacked
	return nil
}

func isMissing(dir string) bool {
	_, err := os.Stat(dir)
	return errors.Is(err, fs.ErrNotExist)
}
