package server

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	images "cooper/stage05-images"
	"cooper/stage05-images/reference"
	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
)

// getManifest sends a manifest as it was pushed. What the client says that it
// accepts is no matter: to convert would make other bytes of another digest.
func (h *Handler) getManifest(w http.ResponseWriter, r *http.Request, rt route) error {
	m, err := h.Registry.Manifest(rt.name, rt.ref)
	if err != nil {
		return err
	}
	describe(w, m.MediaType, m.Digest)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(m.Bytes))
	return nil
}

// putManifest takes a manifest under a tag, or under its digest; with
// ?tag=1&tag=1.2 under the digest and several tags at once.
func (h *Handler) putManifest(w http.ResponseWriter, r *http.Request, rt route) error {
	tags, byDigest := r.URL.Query()["tag"], strings.Contains(rt.ref, ":")
	if !byDigest {
		tags = []string{rt.ref}
	}
	for _, tag := range tags {
		if !reference.IsTag(tag) {
			return &images.Refusal{Code: images.ManifestInvalid, Reason: "a tag has letters, digits, and . _ - in the middle; 128 at the most"}
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, registry.MaxManifest))
	if err != nil {
		return err
	}
	if d := digest.FromBytes(body); byDigest && rt.ref != d.String() {
		return &images.Refusal{Code: images.DigestInvalid, Reason: "the manifest is " + d.String()}
	}
	desc, subject, err := h.Registry.PutManifest(r.Context(), rt.name, tags, r.Header.Get("Content-Type"), body)
	if err != nil {
		return err
	}
	if subject != "" {
		w.Header().Set("OCI-Subject", subject.String()) // the client needn't keep a list of referrers itself
	}
	if byDigest {
		for _, tag := range tags {
			w.Header().Add("OCI-Tag", tag)
		}
	}
	created(w, rt.address(manifests, desc.Digest.String()), desc.Digest)
	return nil
}

func (h *Handler) deleteManifest(w http.ResponseWriter, _ *http.Request, rt route) error {
	if err := h.Registry.DeleteManifest(rt.name, rt.ref); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// describe sets the headers of content that never changes under its digest.
func describe(w http.ResponseWriter, mediaType string, d digest.Digest) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", d.String())
	w.Header().Set("ETag", `"`+d.String()+`"`)
}

// created is the answer to what now has its place.
func created(w http.ResponseWriter, location string, d digest.Digest) {
	w.Header().Set("Location", location)
	w.Header().Set("Docker-Content-Digest", d.String())
	w.WriteHeader(http.StatusCreated)
}
