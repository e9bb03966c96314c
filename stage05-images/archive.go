package images

import ocispec "github.com/opencontainers/image-spec/specs-go/v1"

// An archive carries images in one tar, from machine to machine without a
// registry. What Save writes is two formats in one, as Docker has it since
// version 25, so that every tool finds the one that it knows:
//
//	oci-layout          an OCI image layout, as the store itself is one
//	index.json          its names and manifests
//	manifest.json       Docker's list: configuration, names and layers of each image
//	repositories        Docker's first list, of 2013: name, tag, topmost layer
//	blobs/sha256/HEX    manifests, configurations, layers: the same for both
//
// The lists come first, so that who reads from a pipe knows what follows. Load
// reads more: also what Docker up to 24, Podman and skopeo write,
//
//	HEX.json            a configuration
//	HEX/layer.tar       a layer, or a symbolic link to the one that is the same
//	HEX.tar             the same without a directory
//	manifest.json       here the names above are explained
//
// A name in an archive is a name, and never a path: nothing is looked up
// anywhere but in the archive itself.
const (
	archiveLayout       = ocispec.ImageLayoutFile
	archiveIndex        = ocispec.ImageIndexFile
	archiveManifest     = "manifest.json"
	archiveRepositories = "repositories"
	archiveBlobs        = "blobs/sha256/"
)

// archived is an image in manifest.json.
type archived struct {
	Config   string   // the configuration's name in the archive
	RepoTags []string // in short form: "debian:12"; null for none
	Layers   []string // the layers' names in the archive, the lowest first
}
