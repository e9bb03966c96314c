package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Found is a repository that a search has found.
type Found struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Stars       int    `json:"star_count"`
	Official    bool   `json:"is_official"`
	Automated   bool   `json:"is_automated"`
}

// Search looks for repositories by a word, and returns at most so many, those
// that most people have marked first. The second protocol has no search; what
// Docker Hub answers is left of the first:
//
//	GET /v1/search?q=debian&n=25   {"results": [{"name": "debian", "star_count": 5000, …}]}
//
// Other registries answer 404. There the word is looked for in the catalogue,
// which a registry for a house or a company has, and a public one hasn't.
func Search(ctx context.Context, host, term string, most int, opts Options) ([]Found, error) {
	if host == "docker.io" {
		host = "index.docker.io"
	}
	r := Open(host, "", opts)
	defer r.Close()
	list, err := r.search(ctx, term, most)
	if errors.Is(err, ErrNotFound) {
		list, err = r.searchCatalog(ctx, term)
	}
	if err != nil {
		return nil, fmt.Errorf("search %s: %w", host, err)
	}
	slices.SortStableFunc(list, func(a, b Found) int { return cmp.Compare(b.Stars, a.Stars) })
	return list[:min(len(list), most)], nil
}

func (r *Repository) search(ctx context.Context, term string, most int) ([]Found, error) {
	resp, err := r.do(ctx, request{method: http.MethodGet, url: func() *url.URL {
		u := r.root("/v1/search")
		u.RawQuery = url.Values{"q": {term}, "n": {strconv.Itoa(most)}}.Encode()
		return u
	}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, statusError(resp)
	}
	var answer struct {
		Results []Found `json:"results"`
	}
	err = readJSON(resp.Body, &answer)
	return answer.Results, err
}

func (r *Repository) searchCatalog(ctx context.Context, term string) (list []Found, err error) {
	names, err := r.Catalog(ctx)
	for _, name := range names {
		if strings.Contains(name, term) {
			list = append(list, Found{Name: r.host + "/" + name})
		}
	}
	return list, err
}
