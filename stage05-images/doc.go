// Package images turns a name such as debian:12 into the layers of a root
// filesystem and into the command, environment and user of a container.
//
// An image is nothing but documents that name each other by the digest of
// their content: an index names manifests, a manifest names a configuration and
// layers, the configuration says how to run it. So a copy can come from
// anywhere and be checked, parts that two images share exist once, and nothing
// in an image ever changes.
//
// This package keeps images in a directory (Store), brings them from a registry
// and sends them there (Pull, Push; the protocol is in the package registry),
// makes new ones (Commit, Bootstrap), and tells a container what its image says
// of it (Configure). One step joins the container's list: images/unpack.
//
// To read: manifest.go, store.go, pull.go, layers.go, receive.go, lean.go,
// configure.go.
// The other side, a store that others push into, is Registry in registry.go;
// the package server speaks the protocol for it.
//
// Specifications: https://github.com/opencontainers/image-spec (layout, index,
// manifest, config, layer) and distribution-spec. Man pages: flock(2),
// rename(2), fsync(2), syncfs(2), elf(5), ld.so(8).
package images
