package images

import (
	"encoding/json"
	"fmt"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Config is an image's configuration: the platform, the diffIDs of its layers,
// its history, and under Config how a container of it is run. It is OCI's
// document with the fields that Docker adds.
type Config = dockerspec.DockerOCIImage

// RunConfig is the part of a Config that containers take their defaults from:
// Entrypoint, Cmd, Env, User, WorkingDir, ExposedPorts, Volumes, Labels,
// StopSignal, Healthcheck.
type RunConfig = dockerspec.DockerOCIImageConfig

// Image is an image in the store.
type Image struct {
	// ID is the digest of the configuration. It names the content alone: two
	// registries, or two compressions of the layers, don't change it.
	ID digest.Digest

	Descriptor ocispec.Descriptor // of the manifest
	Manifest   ocispec.Manifest
	Config     Config

	Names   []string // in short form, sorted: "debian:12"
	Digests []string // what registries know it by: "debian@sha256:…"

	Size    int64     // bytes of its blobs, which is what a push sends
	Created time.Time // zero where the image doesn't say

	entry digest.Digest // of the index entry, which may be an index of platforms
}

// parseConfig reads an image's configuration and holds it against the manifest.
// A configuration may say of the container what it likes; it is the caller's to
// believe none of it about the engine.
func parseConfig(body []byte, layers int) (*Config, error) {
	var config Config
	if err := json.Unmarshal(body, &config); err != nil {
		return nil, fmt.Errorf("parse image config: %w", err)
	}
	if config.OS != "" && config.OS != "linux" {
		return nil, fmt.Errorf("parse image config: it is for %q, not for linux", config.OS)
	}
	if n := len(config.RootFS.DiffIDs); n != layers {
		return nil, fmt.Errorf("parse image config: it names %d layers, the manifest %d", n, layers)
	}
	for _, id := range config.RootFS.DiffIDs {
		if err := checkDigest(id); err != nil {
			return nil, fmt.Errorf("parse image config: %w", err)
		}
	}
	return &config, nil
}

// digests lists all that an image is made of, blobs and unpacked layers: what a
// collector must leave alone for it. No image is made of nothing.
func (img *Image) digests() []digest.Digest {
	if img == nil {
		return nil
	}
	list := append([]digest.Digest{img.Descriptor.Digest, img.ID}, img.LayerNames()...)
	for _, layer := range img.Manifest.Layers {
		list = append(list, layer.Digest)
	}
	return list
}

// LayerNames lists what the store may call the image's unpacked layers: who
// stands on them keeps these names.
func (img *Image) LayerNames() []digest.Digest { return layerNames(img.Config.RootFS.DiffIDs) }

// newImage joins the documents of an image.
func newImage(desc ocispec.Descriptor, manifest *ocispec.Manifest, config *Config) *Image {
	img := &Image{
		ID:         manifest.Config.Digest,
		Descriptor: ocispec.Descriptor{MediaType: desc.MediaType, Digest: desc.Digest, Size: desc.Size},
		Manifest:   *manifest,
		Config:     *config,
		Size:       desc.Size + manifest.Config.Size,
	}
	for _, layer := range manifest.Layers {
		img.Size += layer.Size
	}
	if config.Created != nil {
		img.Created = *config.Created
	}
	return img
}
