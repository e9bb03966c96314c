package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	images "cooper/stage05-images"

	"github.com/opencontainers/go-digest"
)

// A blob comes in one of four ways:
//
//	POST ?mount=DIGEST&from=OTHER      201  it is here already, in another repository
//	POST ?digest=DIGEST  bytes         201  all at once
//
//	POST                               202  Location: …/uploads/ID
//	PUT …/ID?digest=DIGEST  bytes      201  in one piece
//
//	POST                               202  Location: …/uploads/ID
//	PATCH …/ID  Content-Range: 0-999   202  Range: 0-999
//	PATCH …/ID  Content-Range: 500-…   416  Range: 0-999    not what comes next
//	GET …/ID                           204  Range: 0-999    where were we?
//	PUT …/ID?digest=DIGEST             201  that was all
//
// Without a Content-Range a PATCH carries whatever comes next: that is how
// Docker sends a whole blob, whose length it doesn't know, in one request.

// begin opens an upload, unless it can be finished at once.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request, rt route) error {
	query := r.URL.Query()
	if algorithm := query.Get("digest-algorithm"); algorithm != "" && algorithm != "sha256" {
		return &images.Refusal{Code: images.DigestInvalid, Reason: "only sha256 is kept here"}
	}
	if d := digest.Digest(query.Get("mount")); d != "" {
		err := h.Registry.Mount(rt.name, d, query.Get("from"))
		if err == nil {
			created(w, rt.address(blobs, d.String()), d)
			return nil
		}
		var no *images.Refusal
		if !errors.As(err, &no) || no.Code != images.BlobUnknown {
			return err
		}
		// Nothing to mount: the client may send it instead.
	}
	upload, err := h.Registry.Begin(r.Context(), rt.name)
	if err != nil {
		return err
	}
	if query.Has("digest") {
		if err := receive(r, upload); err != nil {
			return errors.Join(err, upload.Cancel(r.Context()))
		}
		return h.close(w, r, rt, upload)
	}
	progress(w, rt, upload, http.StatusAccepted)
	return nil
}

// status tells how far an upload is.
func (h *Handler) status(w http.ResponseWriter, _ *http.Request, rt route) error {
	upload, err := h.Registry.Upload(rt.name, rt.ref)
	if err != nil {
		return err
	}
	progress(w, rt, upload, http.StatusNoContent)
	return nil
}

// send takes a piece.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, rt route) error {
	upload, err := h.Registry.Upload(rt.name, rt.ref)
	if err != nil {
		return err
	}
	err = receive(r, upload)
	var no *images.Refusal
	switch {
	case err == nil:
		progress(w, rt, upload, http.StatusAccepted)
		return nil
	case errors.As(err, &no) && no.Code == images.BlobUploadInvalid:
		locate(w, rt, upload) // so that the client needn't ask
	}
	return err
}

// finish takes the last piece, if there is one, and makes a blob of it all.
func (h *Handler) finish(w http.ResponseWriter, r *http.Request, rt route) error {
	upload, err := h.Registry.Upload(rt.name, rt.ref)
	if err != nil {
		return err
	}
	if !r.URL.Query().Has("digest") {
		return &images.Refusal{Code: images.DigestInvalid, Reason: "the address has no ?digest="}
	}
	if err := receive(r, upload); err != nil {
		return err
	}
	return h.close(w, r, rt, upload)
}

func (h *Handler) close(w http.ResponseWriter, r *http.Request, rt route, upload *images.Upload) error {
	d := digest.Digest(r.URL.Query().Get("digest"))
	if err := upload.Finish(r.Context(), d); err != nil {
		return err
	}
	created(w, rt.address(blobs, d.String()), d)
	return nil
}

func (h *Handler) cancel(w http.ResponseWriter, r *http.Request, rt route) error {
	upload, err := h.Registry.Upload(rt.name, rt.ref)
	if err != nil {
		return err
	}
	if err := upload.Cancel(r.Context()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// receive appends a request's body to its upload.
func receive(r *http.Request, upload *images.Upload) error {
	offset, err := chunkStart(r.Header.Get("Content-Range"), r.ContentLength)
	if err != nil {
		return err
	}
	return upload.Append(r.Context(), offset, r.Body)
}

// chunkStart reads a Content-Range, which here is "first-last" and nothing
// more, and holds it against the length; -1 is none.
func chunkStart(span string, length int64) (int64, error) {
	if span == "" {
		return -1, nil
	}
	from, to, _ := strings.Cut(span, "-")
	first, err := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	switch {
	case err != nil || err2 != nil || first < 0 || last < first-1:
		return 0, &images.Refusal{Code: images.BlobUploadInvalid, Reason: "a Content-Range is first-last, such as 0-999"}
	case length >= 0 && length != last-first+1:
		return 0, &images.Refusal{Code: images.BlobUploadInvalid, Reason: fmt.Sprintf("the Content-Range has %d bytes, the request %d", last-first+1, length)}
	}
	return first, nil
}

// progress tells the client where the upload goes on.
func progress(w http.ResponseWriter, rt route, upload *images.Upload, status int) {
	locate(w, rt, upload)
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(status)
}

// locate sets the headers. A Range can't say "none": 0-0 is the custom.
func locate(w http.ResponseWriter, rt route, upload *images.Upload) {
	w.Header().Set("Location", rt.address(uploads, upload.ID))
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, upload.Size()-1)))
	w.Header().Set("Docker-Upload-UUID", upload.ID)
}
