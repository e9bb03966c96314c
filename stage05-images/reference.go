package images

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"cooper/stage05-images/reference"

	"github.com/opencontainers/go-digest"
)

// ParseName reads an image's name as people write it and completes it; see the
// package reference. The error says how to write one.
func ParseName(name string) (reference.Reference, error) {
	ref, err := reference.Parse(name)
	if err != nil {
		return ref, fmt.Errorf("parse image name %q: %w: write [HOST[:PORT]/]NAME[:TAG] in lower case, such as debian:12", name, err)
	}
	if _, port, err := net.SplitHostPort(ref.Host); err == nil {
		if n, err := strconv.Atoi(port); err != nil || n > 65535 {
			return ref, fmt.Errorf("parse image name %q: port %s is beyond 65535", name, port)
		}
	}
	return ref, nil
}

// checkDigest allows sha256 and 64 lower-case hexadecimal digits, nothing
// else. A digest becomes part of a path and of an address, and this is all
// that stands between "sha256:../../etc/passwd" and both (CVE-2024-3727), so
// it comes before any other use.
func checkDigest(d digest.Digest) error {
	hex, ok := strings.CutPrefix(string(d), "sha256:")
	if !ok || len(hex) != 64 || !isHex(hex) {
		return fmt.Errorf("%w %q: want sha256: and 64 hexadecimal digits", errBadDigest, string(d))
	}
	return nil
}

var errBadDigest = errors.New("invalid digest")

func isHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}

// hexOf returns the digits of a checked digest.
func hexOf(d digest.Digest) string { return strings.TrimPrefix(string(d), "sha256:") }

// ShortID returns the first twelve digits, as people know them from listings.
func ShortID(d digest.Digest) string {
	hex := hexOf(d)
	return hex[:min(12, len(hex))]
}
