package images

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cooper/stage05-images/registry"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// An image is a small tree of documents, each found by its digest:
//
//	index ──▶ manifest for linux/amd64 ──▶ config: command, environment, diffIDs
//	      ╲                             ╲▶ layer: tar.gz   (lowest first)
//	       ╲▶ manifest for linux/arm64   ╲▶ layer: tar.gz
//
// The index is optional. Docker's types and OCI's differ in name alone.

// document is a manifest and an index in one, so that a text that tries to be
// both is seen through.
type document struct {
	SchemaVersion int                  `json:"schemaVersion"`
	MediaType     string               `json:"mediaType"`
	Config        *ocispec.Descriptor  `json:"config"`
	Layers        []ocispec.Descriptor `json:"layers"`
	Manifests     []ocispec.Descriptor `json:"manifests"`
	FSLayers      json.RawMessage      `json:"fsLayers"` // schema 1, of 2014
}

// maxLayers is the kernel's limit of lower directories under one overlay
// (OVL_MAX_STACK in fs/overlayfs).
const maxLayers = 500

func isIndex(mediaType string) bool {
	return mediaType == registry.OCIIndex || mediaType == registry.DockerIndex
}

func parseDocument(body []byte) (*document, error) {
	var doc document
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("parse manifest: %w", err)
	}
	switch {
	case doc.SchemaVersion != 2:
		return nil, fmt.Errorf("parse manifest: schema version %d, want 2", doc.SchemaVersion)
	case doc.Manifests != nil && (doc.Config != nil || doc.Layers != nil), doc.FSLayers != nil:
		return nil, errors.New("parse manifest: it is a manifest and something else at once")
	}
	return &doc, nil
}

// parseManifest reads an image's manifest and refuses whatever couldn't become
// a root filesystem.
func parseManifest(body []byte) (*ocispec.Manifest, error) {
	doc, err := parseDocument(body)
	switch {
	case err != nil:
		return nil, err
	case doc.Config == nil:
		return nil, errors.New("parse manifest: no config")
	case !isConfigType(doc.Config.MediaType):
		return nil, fmt.Errorf("parse manifest: it holds %q, which is no container image", doc.Config.MediaType)
	case doc.Config.Size > registry.MaxManifest:
		return nil, fmt.Errorf("parse manifest: config of %d bytes is larger than 4 MiB", doc.Config.Size)
	case len(doc.Layers) > maxLayers:
		return nil, fmt.Errorf("parse manifest: %d layers, the kernel stacks %d", len(doc.Layers), maxLayers)
	}
	for _, desc := range append(doc.Layers, *doc.Config) {
		if err := checkDescriptor(desc); err != nil {
			return nil, fmt.Errorf("parse manifest: %w", err)
		}
	}
	for _, layer := range doc.Layers {
		if !isLayerType(layer.MediaType) {
			return nil, fmt.Errorf("parse manifest: unknown kind of layer %q", layer.MediaType)
		}
	}
	manifest := &ocispec.Manifest{MediaType: doc.MediaType, Config: *doc.Config, Layers: doc.Layers}
	manifest.SchemaVersion = 2
	return manifest, nil
}

// parseIndex reads a list of manifests.
func parseIndex(body []byte) ([]ocispec.Descriptor, error) {
	doc, err := parseDocument(body)
	if err != nil {
		return nil, err
	}
	if doc.Config != nil || doc.Layers != nil {
		return nil, errors.New("parse index: it is an image's manifest")
	}
	for _, desc := range doc.Manifests {
		if err := checkDescriptor(desc); err != nil {
			return nil, fmt.Errorf("parse index: %w", err)
		}
	}
	return doc.Manifests, nil
}

func checkDescriptor(desc ocispec.Descriptor) error {
	if desc.Size < 0 {
		return fmt.Errorf("%s has a size of %d bytes", desc.Digest, desc.Size)
	}
	return checkDigest(desc.Digest)
}

func isConfigType(mediaType string) bool {
	return mediaType == ocispec.MediaTypeImageConfig || mediaType == "application/vnd.docker.container.image.v1+json"
}

// isLayerType knows the types by their stem. How a layer is compressed is told
// by its first bytes, which are never wrong.
func isLayerType(mediaType string) bool {
	for _, stem := range []string{
		ocispec.MediaTypeImageLayer, // …layer.v1.tar, +gzip, +zstd
		"application/vnd.oci.image.layer.nondistributable.v1.tar",
		"application/vnd.docker.image.rootfs.diff.tar", // .gzip, .zstd
		"application/vnd.docker.image.rootfs.foreign.diff.tar",
	} {
		if rest, ok := strings.CutPrefix(mediaType, stem); ok {
			return rest == "" || rest[1:] == "gzip" || rest[1:] == "zstd"
		}
	}
	return false
}
