// Package server is the other end of the package registry: it answers the
// requests of the OCI distribution protocol out of an image layout.
//
//	GET     /v2/                          200: this is a registry, and you may come in
//	GET     /v2/_catalog                  the names of the repositories
//	GET     /v2/NAME/tags/list            the tags of one
//	GET     /v2/NAME/manifests/REF        a manifest by tag or digest; HEAD too
//	PUT     /v2/NAME/manifests/REF        201: the name now means these bytes
//	DELETE  /v2/NAME/manifests/REF        202: the tag is gone, or the manifest with its tags
//	GET     /v2/NAME/referrers/DIGEST     what is about that manifest: signatures and the like
//	GET     /v2/NAME/blobs/DIGEST         a blob, or a range of it; HEAD too
//	DELETE  /v2/NAME/blobs/DIGEST         202: the repository has it no more
//	POST    /v2/NAME/blobs/uploads/       202: an upload begins, or with ?mount= 201: it is here
//	GET, PATCH, PUT, DELETE  …/uploads/ID how far it is; more bytes; that was all; never mind
//
// What is a repository, and what may be in it, images.Registry decides. Here
// are HTTP's methods, headers and numbers, who may come in (guard.go,
// login.go), and how long one waits for a client (patience.go).
//
// To read: route.go, handler.go, uploads.go, serve.go.
//
// See https://github.com/opencontainers/distribution-spec/blob/main/spec.md.
package server
