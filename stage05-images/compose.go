package images

import (
	"runtime"
	"slices"
	"strings"

	"cooper/stage05-images/registry"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// newConfig writes the configuration of a committed image: the parent's
// platform, layers and history, with one more of the last two; no layer is nil.
func newConfig(opts CommitOptions, layer *packed) *Config {
	config := &Config{Config: opts.Config}
	config.Platform = ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}
	if opts.Parent != nil {
		config.Platform = opts.Parent.Config.Platform
		config.RootFS.DiffIDs = slices.Clone(opts.Parent.Config.RootFS.DiffIDs)
		config.History = slices.Clone(opts.Parent.Config.History)
	}
	if opts.Platform.OS != "" {
		config.Platform = opts.Platform
	}
	config.Created, config.Author = &opts.Created, opts.Author
	config.RootFS.Type = "layers"
	if layer != nil {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, layer.diffID)
	}
	config.History = append(config.History, ocispec.History{
		Created:   &opts.Created,
		CreatedBy: opts.CreatedBy,
		Author:    opts.Author,
		Comment:   opts.Comment,

		EmptyLayer: layer == nil,
	})
	return config
}

// newManifest lists the parent's layers and the new one. It is OCI's kind of
// manifest, also upon a parent of Docker's; the layers change their types, not
// their bytes.
func newManifest(parent *Image, config ocispec.Descriptor, layer *packed) *ocispec.Manifest {
	manifest := &ocispec.Manifest{MediaType: registry.OCIManifest, Config: config}
	manifest.SchemaVersion = 2
	if parent != nil {
		for _, desc := range parent.Manifest.Layers {
			manifest.Layers = append(manifest.Layers, ocispec.Descriptor{
				MediaType: ociLayerType(desc.MediaType), Digest: desc.Digest, Size: desc.Size,
			})
		}
	}
	if layer != nil {
		manifest.Layers = append(manifest.Layers, layer.descriptor())
	}
	return manifest
}

// ociLayerType translates Docker's name of a kind of layer into OCI's.
func ociLayerType(mediaType string) string {
	switch {
	case !strings.HasPrefix(mediaType, "application/vnd.docker."):
		return mediaType
	case strings.HasSuffix(mediaType, "gzip"):
		return ocispec.MediaTypeImageLayerGzip
	case strings.HasSuffix(mediaType, "zstd"):
		return ocispec.MediaTypeImageLayerZstd
	}
	return ocispec.MediaTypeImageLayer
}
