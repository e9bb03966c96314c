package images

import (
	"fmt"
	"runtime"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ParsePlatform reads "linux/arm64" or "linux/arm/v7"; "" is this machine.
func ParsePlatform(s string) (ocispec.Platform, error) {
	if s == "" {
		return ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}, nil
	}
	parts := strings.Split(strings.ToLower(s), "/")
	if len(parts) < 2 || len(parts) > 3 || parts[0] != "linux" || parts[1] == "" {
		return ocispec.Platform{}, fmt.Errorf("parse platform %q: write linux/ARCHITECTURE[/VARIANT], such as linux/arm64", s)
	}
	p := ocispec.Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p, nil
}

// choose picks the manifest for a platform out of an index. With a variant
// asked for it must be that one; without, the first that fits will do, as
// whoever makes an index lists the common one first.
func choose(list []ocispec.Descriptor, want ocispec.Platform) (ocispec.Descriptor, error) {
	var offered []string
	for _, desc := range list {
		got := desc.Platform
		if got == nil {
			continue
		}
		if got.OS == want.OS && got.Architecture == want.Architecture && (want.Variant == "" || got.Variant == want.Variant) {
			return desc, nil
		}
		if got.OS != "unknown" { // notes about the image, not an image
			offered = append(offered, platformString(*got))
		}
	}
	if len(list) == 1 && list[0].Platform == nil {
		return list[0], nil
	}
	return ocispec.Descriptor{}, fmt.Errorf("no image for %s: there is one for %s", platformString(want), listOr(offered, "no platform at all"))
}

func platformString(p ocispec.Platform) string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

func listOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}
