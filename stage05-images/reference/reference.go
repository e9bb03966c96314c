// Package reference reads the names of images, in Docker's grammar:
//
//	reference = [host "/"] path [":" tag] ["@" digest]
//	host      = label {"." label} [":" port]  |  "[" IPv6 "]" [":" port]
//	path      = component {"/" component}
//	component = run of a-z 0-9 {separator run}     separator = "." | "_" | "__" | "-" {"-"}
//	tag       = one of A-Z a-z 0-9 _ , then up to 127 of the same and "." "-"
//	digest    = algorithm ":" at least 32 hexadecimal digits
//
// What people write is shorter, and is completed: no host means docker.io, a
// single component there lies under library/, and no tag means latest.
//
// The field has a library for this, github.com/distribution/reference, and the
// tests hold the two against each other. It compiles its regular expressions
// when a program starts, which takes a millisecond, and a run of a container
// starts three programs.
package reference

import (
	"errors"
	"fmt"
	"strings"
)

// What an incomplete name is completed with.
const (
	defaultHost = "docker.io"
	legacyHost  = "index.docker.io" // what docker.io was called once
	library     = "library/"
	defaultTag  = "latest"
)

// maxPath is the most characters that a path may have.
const maxPath = 255

// Reference is a complete name.
type Reference struct {
	Host   string // "docker.io", "127.0.0.1:5000"
	Path   string // "library/debian"
	Tag    string // "latest"; "" with a digest
	Digest string // "sha256:6b86…"; ""  with a tag
}

// The ways in which a name can be wrong.
var (
	errFormat    = errors.New("invalid reference format")
	errUpperCase = errors.New("repository name must be lowercase")
	errTooLong   = fmt.Errorf("repository name must not be longer than %d characters", maxPath)
	errIsID      = errors.New("64 hexadecimal digits are an image's id, not a name")
)

// Parse reads and completes a name. A name with both a tag and a digest loses
// the tag: the digest alone says which image it is.
func Parse(name string) (Reference, error) {
	if len(name) == 64 && isRun(name, isLowerHex) {
		return Reference{}, errIsID
	}
	host, rest := splitHost(name)
	rest, digest, hasDigest := strings.Cut(rest, "@")
	path, tag, hasTag := cutTag(rest)
	switch {
	case strings.ToLower(path) != path:
		return Reference{}, errUpperCase
	case !isHost(host), !isPath(path), hasTag && !isTag(tag), hasDigest && !isDigest(digest):
		return Reference{}, errFormat
	case len(path) > maxPath:
		return Reference{}, errTooLong
	}
	ref := Reference{Host: host, Path: path, Tag: tag, Digest: digest}
	switch {
	case hasDigest:
		ref.Tag = ""
	case !hasTag:
		ref.Tag = defaultTag
	}
	return ref, nil
}

// splitHost tells the host from the path, completing both. The first component
// is a host if no path could begin so: it has a dot, a colon or an upper-case
// letter; or it is localhost.
func splitHost(name string) (host, rest string) {
	first, others, found := strings.Cut(name, "/")
	isHost := found && (strings.ContainsAny(first, ".:") || strings.ToLower(first) != first || first == "localhost")
	switch {
	case !isHost:
		host, rest = defaultHost, name
	case first == legacyHost:
		host, rest = defaultHost, others
	default:
		host, rest = first, others
	}
	if host == defaultHost && !strings.Contains(rest, "/") {
		rest = library + rest
	}
	return host, rest
}

// cutTag cuts at the last colon, if no slash follows it.
func cutTag(s string) (path, tag string, found bool) {
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// String is the complete name: "docker.io/library/debian:12".
func (r Reference) String() string { return r.Name() + r.suffix() }

// Name is the repository's complete name, without tag and digest.
func (r Reference) Name() string { return r.Host + "/" + r.Path }

// Familiar is the name as people write it: "debian:12".
func (r Reference) Familiar() string { return r.FamiliarName() + r.suffix() }

// FamiliarName is the repository's name as people write it: "debian".
func (r Reference) FamiliarName() string {
	if r.Host != defaultHost {
		return r.Name()
	}
	short := strings.TrimPrefix(r.Path, library)
	if strings.Contains(short, "/") { // library/a/b is not a/b
		return r.Path
	}
	return short
}

// Identifier is what a registry calls the image within its repository: the
// digest, or else the tag.
func (r Reference) Identifier() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

func (r Reference) suffix() string {
	if r.Digest != "" {
		return "@" + r.Digest
	}
	return ":" + r.Tag
}
