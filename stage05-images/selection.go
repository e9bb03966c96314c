package images

import (
	"fmt"
	"slices"

	"cooper/stage05-images/reference"
)

// selection finds the images to save, each once, with those of its names that
// were asked for.
func (s *Store) selection(words []string) (list []*Image, err error) {
	for _, word := range words {
		found, err := s.meant(word)
		if err != nil {
			return nil, err
		}
		for _, img := range found {
			list = addSelected(list, img)
		}
	}
	for _, img := range list {
		slices.Sort(img.Names)
		img.Names = slices.Compact(img.Names)
	}
	return list, nil
}

func addSelected(list []*Image, img *Image) []*Image {
	for _, known := range list {
		if known.Descriptor.Digest == img.Descriptor.Digest {
			known.Names = append(known.Names, img.Names...)
			return list
		}
	}
	return append(list, img)
}

// meant finds what one word of the user's stands for: a repository with all
// its tags, an image by a name, or one by its ID and then without names.
func (s *Store) meant(word string) ([]*Image, error) {
	ref, err := ParseName(word)
	if err == nil && isRepository(word) {
		tagged, err := s.repository(ref)
		if err != nil || len(tagged) > 0 {
			return tagged, err
		}
	}
	img, findErr := s.Find(word)
	if findErr != nil {
		return nil, findErr
	}
	named := err == nil && ref.Tag != "" && slices.Contains(img.Names, ref.Familiar())
	img.Names = nil
	if named {
		img.Names = []string{ref.Familiar()}
	}
	return []*Image{img}, nil
}

// isRepository reports whether a name has neither tag nor digest: then one can
// be put behind it.
func isRepository(name string) bool {
	_, err := ParseName(name + ":tag")
	return err == nil
}

// repository finds the images that have tags in a repository, with these.
func (s *Store) repository(of reference.Reference) (list []*Image, err error) {
	index, err := s.readIndex()
	if err != nil {
		return nil, err
	}
	for _, entry := range index.Manifests {
		ref, err := ParseName(entryName(entry))
		if err != nil || ref.Tag == "" || ref.Name() != of.Name() {
			continue
		}
		img, err := s.load(entry)
		if err != nil {
			return nil, fmt.Errorf("open image %s: %w", ref.Familiar(), err)
		}
		img.Names = []string{ref.Familiar()}
		list = append(list, img)
	}
	slices.SortFunc(list, func(a, b *Image) int { return slices.Compare(a.Names, b.Names) })
	return list, nil
}
