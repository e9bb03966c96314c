package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	images "cooper/stage05-images"

	"golang.org/x/sys/unix"
)

// refuse answers with an error, in the form that the specification gives:
//
//	{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "me/app has no manifest 2"}]}
//
// What is this machine's own fault isn't described to strangers: paths and
// errnos are for whoever runs the registry. A client that broke off in the
// middle hears nothing any more, and is no fault.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error, gone bool) {
	var no *images.Refusal
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &no):
		writeRefusal(w, statusOf(no.Code), no.Code, no.Reason)
	case errors.As(err, &large):
		writeRefusal(w, http.StatusRequestEntityTooLarge, images.SizeInvalid, "a manifest may have 4 MiB")
	case errors.Is(err, errNoSuchPlace):
		writeRefusal(w, http.StatusNotFound, images.Unsupported, err.Error())
	case gone || r.Context().Err() != nil:
		writeRefusal(w, http.StatusRequestTimeout, images.SizeInvalid, "the request broke off")
	default:
		h.Fault(err)
		status, reason := http.StatusInternalServerError, "the registry failed; its log says why"
		if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			status, reason = http.StatusInsufficientStorage, "the registry's disk is full"
		}
		writeRefusal(w, status, "UNKNOWN", reason)
	}
}

func writeRefusal(w http.ResponseWriter, status int, code, reason string) {
	type entry struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "60") // seconds
	}
	_ = writeJSON(w, status, map[string][]entry{"errors": {{code, reason}}})
}

// statusOf returns HTTP's number for a code of the specification.
func statusOf(code string) int {
	switch code {
	case images.BlobUnknown, images.BlobUploadUnknown, images.ManifestUnknown, images.NameUnknown:
		return http.StatusNotFound
	case images.BlobUploadInvalid:
		return http.StatusRequestedRangeNotSatisfiable
	case images.SizeInvalid:
		return http.StatusRequestEntityTooLarge
	case images.Unauthorized:
		return http.StatusUnauthorized
	case images.Denied:
		return http.StatusForbidden
	case images.Unsupported:
		return http.StatusMethodNotAllowed
	case images.TooManyRequests:
		return http.StatusTooManyRequests
	}
	return http.StatusBadRequest
}

func writeJSON(w http.ResponseWriter, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}
