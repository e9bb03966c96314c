package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	images "cooper/stage05-images"
	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// mostOnAPage is how many names one answer holds, whoever wants more.
const mostOnAPage = 1000

func (h *Handler) listRepositories(w http.ResponseWriter, r *http.Request, _ route) error {
	names, err := h.Registry.Repositories()
	if err == nil {
		names, err = page(w, r, names)
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, map[string][]string{"repositories": names})
}

func (h *Handler) listTags(w http.ResponseWriter, r *http.Request, rt route) error {
	list, err := h.Registry.Tags(rt.name)
	if err == nil {
		list, err = page(w, r, list)
	}
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}{rt.name, list})
}

// page takes the names behind ?last=, ?n= of them at the most, and says in a
// Link where the next ones are; see RFC 8288. The page's end is a name and no
// number, so that nothing is left out when another client deletes one.
func page(w http.ResponseWriter, r *http.Request, names []string) ([]string, error) {
	query := r.URL.Query()
	n := mostOnAPage
	if asked := query.Get("n"); asked != "" {
		number, err := strconv.Atoi(asked)
		if err != nil || number < 0 {
			return nil, &images.Refusal{Code: images.NameInvalid, Reason: "n is a number of names"}
		}
		n = min(n, number)
	}
	at, found := slices.BinarySearch(names, query.Get("last"))
	if found {
		at++
	}
	rest := names[at:]
	if n == 0 || len(rest) <= n {
		return append([]string{}, rest[:min(n, len(rest))]...), nil
	}
	next := url.Values{"n": {strconv.Itoa(n)}, "last": {rest[n-1]}}
	w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, r.URL.Path, next.Encode()))
	return rest[:n], nil
}

// listReferrers answers with an index, as if somebody had pushed it. A
// repository without any has an empty one: 404 would mean that we don't know
// the question.
func (h *Handler) listReferrers(w http.ResponseWriter, r *http.Request, rt route) error {
	wanted := r.URL.Query().Get("artifactType")
	list, err := h.Registry.Referrers(rt.name, digest.Digest(rt.ref), wanted)
	if err != nil {
		return err
	}
	if wanted != "" {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	index := ocispec.Index{MediaType: registry.OCIIndex, Manifests: list}
	index.SchemaVersion = 2
	w.Header().Set("Content-Type", registry.OCIIndex)
	return writeJSON(w, http.StatusOK, index)
}
