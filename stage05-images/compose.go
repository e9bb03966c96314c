package images

import (
	"runtime"
	"slices"
	"strings"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// newConfig writes the configuration of a committed image: the parent's
// platform, layers and history, with one more of the last two.
func newConfig(opts CommitOptions, diffID digest.Digest) *Config {
	config := &Config{Config: opts.Config}
	config.Platform = ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}
	if opts.Parent != nil {
		config.Platform = opts.Parent.Config.Platform
		config.RootFS.DiffIDs = slices.Clone(opts.Parent.Config.RootFS.DiffIDs)
		config.History = slices.Clone(opts.Parent.Config.History)
	}
	config.Created, config.Author = &opts.Created, opts.Author
	config.RootFS.Type = "layers"
	config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diffID)
	config.History = append(config.History, ocispec.History{
		Created:   &opts.Created,
		CreatedBy: opts.CreatedBy,
		Author:    opts.Author,
		Comment:   opts.Comment,
	})
	return config
}

// newManifest lists the parent's layers and the new one. It is OCI's kind of
// manifest, also upon a parent of Docker's; the layers change their types, not
// their bytes.
func newManifest(parent *Image, config, layer ocispec.Descriptor) *ocispec.Manifest {
	manifest := &ocispec.Manifest{MediaType: registry.OCIManifest, Config: config}
	manifest.SchemaVersion = 2
	if parent != nil {
		for _, desc := range parent.Manifest.Layers {
			manifest.Layers = append(manifest.Layers, ocispec.Descriptor{
				MediaType: ociLayerType(desc.MediaType), Digest: desc.Digest, Size: desc.Size,
			})
		}
	}
	manifest.Layers = append(manifest.Layers, layer)
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
