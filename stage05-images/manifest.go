package images

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	unionfs "cooper/stage04-unionfs"
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
	ArtifactType  string               `json:"artifactType"` // what it is, if no image
	Config        *ocispec.Descriptor  `json:"config"`
	Layers        []ocispec.Descriptor `json:"layers"`
	Manifests     []ocispec.Descriptor `json:"manifests"`
	FSLayers      json.RawMessage      `json:"fsLayers"` // schema 1, of 2014
}

// maxLayers is the kernel's limit of lower directories under one overlay
// (OVL_MAX_STACK in fs/overlayfs).
const maxLayers = 500

// ErrNotImage is the answer to an artifact: what travels through registries
// like an image, charts, signatures, models, but holds no root filesystem.
var ErrNotImage = errors.New("no container image: a program for artifacts can fetch it, such as oras or helm")

// kind names what a manifest holds. An artifact says so itself, or its
// configuration's type does, unless that is OCI's for "there is none".
func (doc *document) kind() string {
	switch {
	case doc.ArtifactType != "":
		return strconv.Quote(doc.ArtifactType)
	case doc.Config.MediaType == ocispec.MediaTypeEmptyJSON:
		return "an artifact of no named kind"
	}
	return strconv.Quote(doc.Config.MediaType)
}

func isIndex(mediaType string) bool {
	return mediaType == registry.OCIIndex || mediaType == registry.DockerIndex
}

func parseDocument(body []byte) (*document, error) {
	var doc document
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, fmt.Errorf("parse manifest: %w", err)
	}
	switch {
	case doc.SchemaVersion == 1:
		return nil, registry.ErrSchema1
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
	case doc.ArtifactType != "", !isConfigType(doc.Config.MediaType):
		return nil, fmt.Errorf("parse manifest: it holds %s, %w", doc.kind(), ErrNotImage)
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
		if layer.Size > unionfs.DefaultLimits().Bytes { // packed it can unpack to nothing, and fill the disk all the same
			return nil, fmt.Errorf("parse manifest: %w: %d bytes", unionfs.ErrTooBig, layer.Size)
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

// isConfigType knows the two types of an image's configuration, and the ones
// that registries of Docker's first years have made of them by guessing; see
// https://github.com/docker/docker/issues/22378. What isn't a configuration
// doesn't pass parseConfig.
func isConfigType(mediaType string) bool {
	switch mediaType {
	case ocispec.MediaTypeImageConfig, "application/vnd.docker.container.image.v1+json",
		"application/octet-stream", "application/json", "text/html", "":
		return true
	}
	return false
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
