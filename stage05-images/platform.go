package images

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ParsePlatform reads "linux/arm64", "linux/arm/v7" or only "arm64"; "" is this
// machine. The kernel's names of architectures are understood, as uname -m
// prints them.
func ParsePlatform(s string) (ocispec.Platform, error) {
	if s == "" {
		return normal(ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}), nil
	}
	parts := strings.Split(strings.ToLower(s), "/")
	if len(parts) == 1 && isArchitecture(parts[0]) {
		parts = []string{"linux", parts[0]}
	}
	if len(parts) < 2 || len(parts) > 3 || parts[0] != "linux" || parts[1] == "" {
		return ocispec.Platform{}, fmt.Errorf("parse platform %q: write linux/ARCHITECTURE[/VARIANT], such as linux/arm64", s)
	}
	p := ocispec.Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return normal(p), nil
}

func isArchitecture(s string) bool {
	return slices.Contains([]string{
		"386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x",
		"i386", "i686", "x86_64", "x86-64", "aarch64", "armhf", "armel",
	}, s)
}

// normal brings a platform into the one form in which it's compared: Go's name
// of the architecture, and no variant where it is the one that everybody means.
func normal(p ocispec.Platform) ocispec.Platform {
	switch p.Architecture {
	case "i386", "i686":
		p.Architecture, p.Variant = "386", ""
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "aarch64":
		p.Architecture = "arm64"
	case "armhf":
		p.Architecture, p.Variant = "arm", "v7"
	case "armel":
		p.Architecture, p.Variant = "arm", "v6"
	}
	p.Variant = strings.TrimPrefix(p.Variant, "v")
	switch {
	case p.Variant == "":
		p.Variant = usualVariant(p.Architecture)
	default:
		p.Variant = "v" + p.Variant
	}
	if p.Architecture != "arm" && p.Variant == usualVariant(p.Architecture) {
		p.Variant = ""
	}
	return p
}

func usualVariant(architecture string) string {
	switch architecture {
	case "amd64":
		return "v1"
	case "arm":
		return "v7"
	case "arm64":
		return "v8"
	}
	return ""
}

// rank tells how well a machine that wants one platform runs another: 0 is the
// very same, more is worse, and ok is false for not at all. An older variant of
// the same architecture will do, as with containerd, which also takes a 32-bit
// image for a 64-bit machine; here one says so, with --platform:
//
//	arm/v7     runs arm/v6, arm/v5     amd64/v3   runs amd64/v2, amd64
//	arm64/v9   runs arm64
func rank(got, want ocispec.Platform) (n int, ok bool) {
	got, want = normal(got), normal(want)
	if got.OS == "" {
		got.OS = "linux" // some images' configurations don't say
	}
	if got.OS != want.OS || got.Architecture != want.Architecture {
		return 0, false
	}
	if got.Variant == want.Variant {
		return 0, true
	}
	n = level(want) - level(got)
	return n, level(got) > 0 && n > 0
}

// level is the number of a platform's variant, 0 for one without.
func level(p ocispec.Platform) int {
	variant := p.Variant
	if variant == "" {
		variant = usualVariant(p.Architecture)
	}
	n, err := strconv.Atoi(strings.TrimPrefix(variant, "v"))
	if err != nil {
		return 0
	}
	return n
}

// suits reports whether a machine that wants one platform runs another.
func suits(got, want ocispec.Platform) bool {
	_, ok := rank(got, want)
	return ok
}

// platformString is for people.
func platformString(p ocispec.Platform) string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}
