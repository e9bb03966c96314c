package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// request is one question to the registry, which may have to be asked again:
// after a login, after a 503, without TLS. So it holds no half-read body.
type request struct {
	method string
	url    func() *url.URL // not a URL: the scheme may change between two tries
	header map[string]string
	body   func() (io.ReadCloser, error) // nil for none
	size   int64                         // of the body
	single bool                          // a second try would add to what the first one left
}

// do asks and hands back the answer, whatever its status: trying again where
// that helps, and logging in where the registry demands it.
//
//	retry ─┬─ authorized ─┬─ once      the request as it is
//	       │              └─ once      after a 401, with a fresh token
//	       └─ … after 429, 5xx, reset
func (r *Repository) do(ctx context.Context, req request) (*http.Response, error) {
	ask := func() (*http.Response, error) { return r.authorized(ctx, req) }
	if req.single {
		return ask()
	}
	resp, err := retry(ctx, ask)
	if err != nil {
		return nil, withoutURL(err)
	}
	return resp, nil
}

// authorized asks with the token at hand. A 401 is answered by one login; a
// second one is believed.
func (r *Repository) authorized(ctx context.Context, req request) (*http.Response, error) {
	used := r.lastAuthorization()
	resp, err := r.once(ctx, r.with(used, req))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	resp.Body.Close()
	fresh, err := r.refresh(ctx, used, resp.Header.Values("WWW-Authenticate"))
	if err != nil {
		return nil, err
	}
	return r.once(ctx, r.with(fresh, req))
}

// with adds what a login gave, for the registry itself and no other host: the
// Location of an upload may lie elsewhere.
func (r *Repository) with(authorization string, req request) request {
	target := req.url()
	r.lock.Lock()
	defer r.lock.Unlock()
	if authorization == "" || target.Host != r.host || target.Scheme != r.scheme {
		return req
	}
	req.header = maps.Clone(req.header)
	if req.header == nil {
		req.header = map[string]string{}
	}
	req.header["Authorization"] = authorization
	return req
}

// once sends the request one time, or two times to an insecure registry that
// turns out to speak plain HTTP.
func (r *Repository) once(ctx context.Context, req request) (*http.Response, error) {
	resp, err := r.send(ctx, req)
	if err != nil && r.insecure && speaksPlainHTTP(err) {
		r.lock.Lock()
		r.scheme = "http"
		r.lock.Unlock()
		resp, err = r.send(ctx, req)
	}
	return resp, err
}

func (r *Repository) send(ctx context.Context, req request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	out, err := r.build(ctx, req, cancel)
	if err != nil {
		cancel(nil)
		return nil, err
	}
	if req.body == nil { // with one, watched waits, and then the transport
		silence := time.AfterFunc(r.patience, func() { cancel(errNoProgress) })
		defer silence.Stop()
	}
	resp, err := r.http.Do(out)
	if err != nil {
		defer cancel(nil)
		return nil, r.interrupted(ctx, err)
	}
	resp.Body = answer{watch(ctx, cancel, resp.Body, r.patience), cancel}
	return resp, nil
}

func (r *Repository) build(ctx context.Context, req request, cancel context.CancelCauseFunc) (*http.Request, error) {
	out, err := http.NewRequestWithContext(ctx, req.method, req.url().String(), nil)
	if err != nil {
		return nil, err
	}
	if req.body != nil {
		body, err := req.body()
		if err != nil {
			return nil, err
		}
		out.Body, out.ContentLength = watch(ctx, cancel, source{body, cancel}, r.patience), req.size
	}
	out.Header.Set("User-Agent", "cooper")
	for name, value := range req.header {
		out.Header.Set(name, value)
	}
	return out, nil
}

// source is what a request carries. When it fails, that is no fault of the
// connection, and another try wouldn't help: so its error ends the request.
type source struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (s source) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		s.cancel(err)
	}
	return n, err
}

// interrupted tells a broken connection, which is worth another try, from an
// end that was asked for or that another try can't change.
func (r *Repository) interrupted(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errNoProgress) {
		return cause
	} else if cause != nil {
		err = cause
	}
	if errors.Is(err, errRedirect) || speaksPlainHTTP(err) {
		return err
	}
	if hint := aboutCertificates(err); hint != "" {
		return fmt.Errorf("%w: %s", withoutURL(err), hint)
	}
	return fmt.Errorf("%w: %w", ErrInterrupted, withoutURL(err))
}
