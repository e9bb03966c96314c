// Package registry speaks the protocol in which images travel: the OCI
// distribution specification, which grew out of Docker's registry HTTP API V2.
//
// A registry keeps two kinds of thing for a repository such as library/debian:
// blobs, found by the digest of their content, and manifests, small JSON
// documents that list blobs and are found by digest or by tag.
//
//	GET   /v2/NAME/manifests/REF     a manifest; REF is a tag or a digest
//	GET   /v2/NAME/blobs/DIGEST      a blob; Range: bytes=N- goes on where it broke off
//	HEAD  /v2/NAME/blobs/DIGEST      is it there already?
//	POST  /v2/NAME/blobs/uploads/    202, Location: where the upload goes
//	PUT   Location?digest=DIGEST     201: the bytes are received, and are what they should be
//	PUT   /v2/NAME/manifests/REF     201: the name now means this manifest
//	GET   /v2/NAME/tags/list         the tags
//
// The other side is not trusted. What it sends is believed only after its
// digest was computed here; sizes, redirects, login servers and texts for the
// terminal are bounded or refused in the file that deals with them.
//
// To read: request.go, auth.go, manifest.go, blob.go, upload.go. What is known of
// a registry before it's asked is in login.go, trust.go and settings.go.
//
// See https://github.com/opencontainers/distribution-spec/blob/main/spec.md.
package registry
