package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Lists come in pages: the answer's Link header says where the next one is.
//
//	GET /v2/NAME/tags/list?n=1000   {"name": "NAME", "tags": ["1", "2", …]}
//	                                Link: </v2/NAME/tags/list?n=1000&last=2>; rel="next"
//
// A hundred pages are believed. A registry could go on for ever.
const (
	pageLength = "1000"
	mostPages  = 100
)

// Tags lists the repository's tags as the registry spells them; they may be
// anything.
func (r *Repository) Tags(ctx context.Context) ([]string, error) {
	list, err := r.pages(ctx, r.address("tags/list"))
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	return list, nil
}

// Catalog lists the repositories of a whole registry, one that was opened with
// an empty path. Public registries have none.
func (r *Repository) Catalog(ctx context.Context) ([]string, error) {
	list, err := r.pages(ctx, r.root("/v2/_catalog"))
	if err != nil {
		return nil, fmt.Errorf("list repositories: %w", err)
	}
	return list, nil
}

func (r *Repository) pages(ctx context.Context, page *url.URL) (all []string, err error) {
	page.RawQuery = url.Values{"n": {pageLength}}.Encode()
	for range mostPages {
		names, next, err := r.page(ctx, page)
		if err != nil {
			return nil, err
		}
		if all = append(all, names...); next == nil {
			return all, nil
		}
		page = next
	}
	return nil, fmt.Errorf("%w: a list of more than %d pages", ErrRefused, mostPages)
}

func (r *Repository) page(ctx context.Context, at *url.URL) (names []string, next *url.URL, err error) {
	// The scheme may change with the first answer, so it isn't part of "at".
	address := func() *url.URL {
		u := r.root(at.Path)
		u.RawQuery = at.RawQuery
		return u
	}
	resp, err := r.do(ctx, request{method: http.MethodGet, url: address})
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, statusError(resp)
	}
	var list struct {
		Tags         []string `json:"tags"`
		Repositories []string `json:"repositories"`
	}
	if err := readJSON(resp.Body, &list); err != nil {
		return nil, nil, err
	}
	next, err = nextPage(at, resp.Header.Get("Link"))
	return append(list.Tags, list.Repositories...), next, err
}

// nextPage reads a Link header, RFC 8288. Only the registry's own list goes on:
// another path would make us ask, with the user's token, for anything.
func nextPage(here *url.URL, link string) (*url.URL, error) {
	target, parameters, found := strings.Cut(link, ">")
	if !found || !strings.HasPrefix(target, "<") || !strings.Contains(parameters, "next") {
		return nil, nil
	}
	next, err := here.Parse(target[1:])
	if err != nil || next.Path != here.Path || *next == *here {
		return nil, fmt.Errorf("%w: the next page of the list is %q", ErrRefused, target[1:])
	}
	return next, nil
}

// readJSON reads a document that isn't stored, of 4 MiB at the most.
func readJSON(body io.Reader, into any) error {
	data, err := io.ReadAll(io.LimitReader(body, MaxManifest+1))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	if len(data) > MaxManifest {
		return fmt.Errorf("%w: an answer beyond 4 MiB", ErrRefused)
	}
	if json.Unmarshal(data, into) != nil {
		return fmt.Errorf("%w: the answer isn't the JSON that was asked for", ErrRefused)
	}
	return nil
}
