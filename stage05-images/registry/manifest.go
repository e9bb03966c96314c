package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/opencontainers/go-digest"
)

// The four kinds of manifest. The two of an index list manifests, one for each
// platform; the others list an image's config and layers.
const (
	DockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	DockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	OCIManifest    = "application/vnd.oci.image.manifest.v1+json"
	OCIIndex       = "application/vnd.oci.image.index.v1+json"
)

// MaxManifest is the most that a manifest may weigh, in bytes. The
// distribution specification asks registries to take 4 MiB.
const MaxManifest = 4 << 20

// ErrRefused marks content that isn't what was asked for: another digest,
// another size, another type. Asking again wouldn't make it trustworthy.
var ErrRefused = errors.New("refused what was received")

// ErrSchema1 is a manifest of the kind that Docker wrote until 2015. Nothing
// in it names its layers' content, so that it can't be checked.
var ErrSchema1 = errors.New("the manifest is of schema version 1, which is given up since 2015: " +
	"push the image again with a program of today, or have it converted by 'skopeo copy --format v2s2'")

// Manifest is a manifest or index, byte for byte.
type Manifest struct {
	MediaType string
	Digest    digest.Digest // computed here
	Bytes     []byte
}

// accepted lists the types that we read, in every request for a manifest:
// without them a registry of Docker's kind converts to the type of 2014, and
// with it to another digest.
const accepted = OCIIndex + ", " + DockerIndex + ", " + OCIManifest + ", " + DockerManifest

// Resolve asks what a tag stands for now: a HEAD, which costs a registry next
// to nothing, and which Docker Hub doesn't count. No answer, "" that is, comes
// of a registry that knows no HEAD or names no digest; asking for the manifest
// itself tells more then.
func (r *Repository) Resolve(ctx context.Context, tag string) (digest.Digest, error) {
	resp, err := r.do(ctx, request{
		method: http.MethodHead,
		url:    func() *url.URL { return r.address("manifests/" + tag) },
		header: map[string]string{"Accept": accepted},
	})
	if err != nil {
		return "", fmt.Errorf("look for manifest %s: %w", tag, err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", nil
	}
	return digest.Digest(resp.Header.Get("Docker-Content-Digest")), nil
}

// Manifest fetches what a tag or digest stands for and checks it: its length,
// its digest against the one asked for and the one that the registry claims,
// its type against the one it is labelled with.
func (r *Repository) Manifest(ctx context.Context, ref string) (*Manifest, error) {
	resp, err := r.do(ctx, request{
		method: http.MethodGet,
		url:    func() *url.URL { return r.address("manifests/" + ref) },
		header: map[string]string{"Accept": accepted},
	})
	if err != nil {
		return nil, fmt.Errorf("get manifest %s: %w", ref, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get manifest %s: %w", ref, statusError(resp))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("get manifest %s: %w: %w", ref, ErrInterrupted, err)
	}
	m, err := checkManifest(body, resp.Header, ref)
	if err != nil {
		return nil, fmt.Errorf("get manifest %s: %w: %w", ref, ErrRefused, err)
	}
	return m, nil
}

// checkManifest compares a manifest with what the registry says of it.
func checkManifest(body []byte, header http.Header, ref string) (*Manifest, error) {
	if len(body) > MaxManifest {
		return nil, errors.New("manifest is larger than 4 MiB")
	}
	got := digest.FromBytes(body)
	if claimed := header.Get("Docker-Content-Digest"); claimed != "" && claimed != got.String() {
		return nil, fmt.Errorf("manifest is %s, but labelled %q", got, claimed)
	}
	if strings.Contains(ref, ":") && ref != got.String() {
		return nil, fmt.Errorf("manifest is %s", got)
	}
	mediaType, err := manifestType(body, header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	return &Manifest{mediaType, got, body}, nil
}

// manifestType decides what a manifest is. The body's own word and the label
// must agree: a body that one program takes for an image and the next for an
// index is how a scanner is made to look at something else than what runs
// (CVE-2021-41190). Static file servers know no label; then the body decides.
func manifestType(body []byte, label string) (string, error) {
	var own struct {
		MediaType string `json:"mediaType"`
	}
	if err := json.Unmarshal(body, &own); err != nil {
		return "", fmt.Errorf("parse manifest: %w", err)
	}
	label, _, _ = mime.ParseMediaType(label)
	switch label {
	case "", "application/octet-stream", "application/json", "text/plain":
		label = own.MediaType
	}
	if own.MediaType != "" && own.MediaType != label {
		return "", fmt.Errorf("manifest calls itself %q, but is labelled %q", own.MediaType, label)
	}
	switch label {
	case OCIManifest, DockerManifest, OCIIndex, DockerIndex:
		return label, nil
	case "application/vnd.docker.distribution.manifest.v1+json", "application/vnd.docker.distribution.manifest.v1+prettyjws":
		return "", ErrSchema1
	}
	return "", fmt.Errorf("unknown kind of manifest %q", label)
}

// PutManifest gives a manifest a name in the repository. Everything that it
// lists must be there.
func (r *Repository) PutManifest(ctx context.Context, ref string, m Manifest) error {
	resp, err := r.do(ctx, request{
		method: http.MethodPut,
		url:    func() *url.URL { return r.address("manifests/" + ref) },
		header: map[string]string{"Content-Type": m.MediaType},
		body:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.Bytes)), nil },
		size:   int64(len(m.Bytes)),
	})
	if err != nil {
		return fmt.Errorf("put manifest %s: %w", ref, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusOK {
		return fmt.Errorf("put manifest %s: %w", ref, statusError(resp))
	}
	if stored := resp.Header.Get("Docker-Content-Digest"); stored != "" && stored != m.Digest.String() {
		return fmt.Errorf("put manifest %s: %w: it stored %q in place of %s", ref, ErrRefused, stored, m.Digest)
	}
	return nil
}
