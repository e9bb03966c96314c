package images

import (
	"bytes"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// What a file in an archive is shows in its first bytes; names and media types
// can be wrong, and some archives have neither.

func looksLikeJSON(head []byte) bool {
	text := bytes.TrimLeft(head, " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[') && !isTar(head)
}

// isTar knows a tar by its mark, see tar(5).
func isTar(head []byte) bool { return len(head) >= 262 && string(head[257:262]) == "ustar" }

// isLayer also takes the tars from before the mark, by name.
func isLayer(name string, head []byte) bool {
	return isTar(head) || layerType(head) != ocispec.MediaTypeImageLayer || strings.HasSuffix(name, ".tar")
}

// layerType is the kind of a layer's blob, by its first bytes.
func layerType(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return ocispec.MediaTypeImageLayerGzip
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		return ocispec.MediaTypeImageLayerZstd
	}
	return ocispec.MediaTypeImageLayer
}

func layerDescriptor(d digest.Digest, size int64, head []byte) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: layerType(head), Digest: d, Size: size}
}
