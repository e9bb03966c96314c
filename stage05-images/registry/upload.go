package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Upload gives the repository a blob, in the three requests that every
// registry understands: POST opens a session, PATCH carries the bytes, PUT
// names the digest, which the registry then checks. A session that breaks is
// left to the registry, which forgets it, and another one is opened.
func (r *Repository) Upload(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	for try := 1; ; try++ {
		err := r.upload(ctx, desc, open)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrInterrupted) || try == tries {
			return fmt.Errorf("upload blob %s: %w", desc.Digest, err)
		}
		if err := pause(ctx, backoff(try)); err != nil {
			return err
		}
	}
}

func (r *Repository) upload(ctx context.Context, desc ocispec.Descriptor, open func() (io.ReadCloser, error)) error {
	session, err := r.uploadStep(ctx, request{
		method: http.MethodPost,
		url:    func() *url.URL { return r.address("blobs/uploads/") },
	})
	if err != nil {
		return err
	}
	session, err = r.uploadStep(ctx, request{
		method: http.MethodPatch,
		url:    func() *url.URL { return session },
		header: map[string]string{"Content-Type": "application/octet-stream"},
		body:   open,
		size:   desc.Size,
		single: true, // PATCH appends: half a body and a whole one don't make a blob
	})
	if err != nil {
		return err
	}
	query := session.Query() // the registry keeps its own state there
	query.Set("digest", desc.Digest.String())
	session.RawQuery = query.Encode()
	_, err = r.uploadStep(ctx, request{method: http.MethodPut, url: func() *url.URL { return session }})
	return err
}

// uploadStep makes one request of an upload. It returns where the next one
// goes: the Location header, which may be relative to this request's address.
func (r *Repository) uploadStep(ctx context.Context, req request) (*url.URL, error) {
	resp, err := r.do(ctx, req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusCreated && req.method == http.MethodPut:
		return nil, nil
	case resp.StatusCode == http.StatusAccepted && req.method != http.MethodPut:
		return nextAddress(resp)
	case transient(resp, nil):
		return nil, fmt.Errorf("%w: %w", ErrInterrupted, statusError(resp))
	}
	return nil, statusError(resp)
}

func nextAddress(resp *http.Response) (*url.URL, error) {
	here, location := resp.Request.URL, resp.Header.Get("Location")
	next, err := here.Parse(location)
	if err != nil || location == "" {
		return nil, fmt.Errorf("%w: Location %q is no address", ErrRefused, location)
	}
	if next.Scheme != "https" && (next.Scheme != "http" || here.Scheme == "https") {
		return nil, fmt.Errorf("%w: upload sent from %s on to %q", ErrRefused, here.Scheme, next.Scheme)
	}
	return next, nil
}
