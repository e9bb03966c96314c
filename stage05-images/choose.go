package images

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cooper/stage05-images/registry"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// mostIndexes is how many indexes in an index are looked into.
const mostIndexes = 8

var errNoPlatform = errors.New("no image")

// fetchFor goes from a list to the manifest that fits a platform, which is the last
// thing that it fetches. An index may list others: these are looked into when
// the list itself has nothing that fits.
func fetchFor(list []ocispec.Descriptor, want ocispec.Platform, fetch func(ocispec.Descriptor) ([]byte, error)) error {
	desc, err := choose(list, want)
	if err == nil {
		_, err = fetch(desc)
		return err
	}
	indexes := nested(list)
	for looked := 0; len(indexes) > 0 && looked < mostIndexes; looked++ {
		inner, wrong := readIndexOf(indexes[0], fetch)
		if wrong != nil {
			return wrong
		}
		if desc, none := choose(inner, want); none == nil {
			_, err = fetch(desc)
			return err
		}
		indexes = append(indexes[1:], nested(inner)...)
	}
	return err
}

func readIndexOf(desc ocispec.Descriptor, fetch func(ocispec.Descriptor) ([]byte, error)) ([]ocispec.Descriptor, error) {
	body, err := fetch(desc)
	if err != nil {
		return nil, err
	}
	list, err := parseIndex(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrRefused, err)
	}
	return list, nil
}

func nested(list []ocispec.Descriptor) (indexes []ocispec.Descriptor) {
	return slices.DeleteFunc(slices.Clone(list), func(desc ocispec.Descriptor) bool { return !isIndex(desc.MediaType) })
}

// choose picks the manifest for a platform out of an index: the one that fits
// best, and of equals the first, as whoever makes an index lists the common one
// first. What is for the platform "unknown/unknown" is no image but a note
// about one, where it came from and what is in it.
func choose(list []ocispec.Descriptor, want ocispec.Platform) (best ocispec.Descriptor, err error) {
	var offered []string
	lowest, found := 0, false
	for _, desc := range list {
		if desc.Platform == nil || isIndex(desc.MediaType) {
			continue
		}
		if n, ok := rank(*desc.Platform, want); ok && (!found || n < lowest) {
			best, lowest, found = desc, n, true
		}
		if desc.Platform.OS != "unknown" {
			offered = append(offered, platformString(*desc.Platform))
		}
	}
	if found {
		return best, nil
	}
	if len(list) == 1 && list[0].Platform == nil && !isIndex(list[0].MediaType) {
		return list[0], nil
	}
	return best, fmt.Errorf("%w for %s: there is one for %s", errNoPlatform, platformString(want), listOr(offered, "no platform at all"))
}

func listOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}
