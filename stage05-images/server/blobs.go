package server

import (
	"net/http"
	"strconv"
	"time"

	"github.com/opencontainers/go-digest"
)

const octets = "application/octet-stream"

// getBlob sends a blob or the range of it that the request names; see RFC 9110,
// section 14. It isn't hashed on its way: the client does that, and must.
func (h *Handler) getBlob(w http.ResponseWriter, r *http.Request, rt route) error {
	file, err := h.Registry.Blob(rt.name, digest.Digest(rt.ref))
	if err != nil {
		return err
	}
	defer file.Close()
	describe(w, octets, digest.Digest(rt.ref))
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}

// headBlob is how a client asks whether it has to send a blob.
func (h *Handler) headBlob(w http.ResponseWriter, _ *http.Request, rt route) error {
	size, err := h.Registry.Promise(rt.name, digest.Digest(rt.ref))
	if err != nil {
		return err
	}
	describe(w, octets, digest.Digest(rt.ref))
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.WriteHeader(http.StatusOK)
	return nil
}

func (h *Handler) deleteBlob(w http.ResponseWriter, _ *http.Request, rt route) error {
	if err := h.Registry.DeleteBlob(rt.name, digest.Digest(rt.ref)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}
