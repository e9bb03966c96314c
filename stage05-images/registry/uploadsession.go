package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// patch sends one piece; the session then lies where the answer says.
func (u *upload) patch(ctx context.Context) error {
	resp, err := u.repo.do(ctx, u.piece(http.MethodPatch, u.session, u.most))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return uploadError(resp)
	}
	u.has += u.most
	u.at = u.has
	return u.moveOn(resp)
}

// put sends the rest and names the digest, which the registry checks.
func (u *upload) put(ctx context.Context) error {
	address := *u.session
	query := address.Query() // the registry keeps its own state there
	query.Set("digest", u.content.Digest.String())
	address.RawQuery = query.Encode()
	resp, err := u.repo.do(ctx, u.piece(http.MethodPut, &address, u.content.Size-u.has))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return uploadError(resp)
	}
	return nil
}

// piece is a request that carries n bytes. It's made once: half a body and a
// whole one don't make a blob.
func (u *upload) piece(method string, address *url.URL, n int64) request {
	req := request{
		method: method,
		url:    func() *url.URL { return address },
		header: map[string]string{"Content-Type": "application/octet-stream"},
		size:   n,
		single: true,
	}
	if n > 0 {
		req.body = func() (io.ReadCloser, error) { return u.open(n) }
	}
	if 0 < n && n < u.content.Size {
		req.header["Content-Range"] = fmt.Sprintf("%d-%d", u.has, u.has+n-1)
	}
	if n > 64<<10 {
		// To be told "log in again" or "too large" before the bytes are sent
		// and not after; RFC 9110, section 10.1.1.
		req.header["Expect"] = "100-continue"
	}
	return req
}

// open returns the next n bytes. After a piece that arrived, the content goes
// on where it is: to open it once for each would be to read it from the start
// once for each, where the reader checks its digest.
func (u *upload) open(n int64) (io.ReadCloser, error) {
	if u.at != u.has || u.stream == nil {
		u.close()
		stream, err := u.content.Open(u.has)
		if err != nil {
			return nil, err
		}
		u.stream = stream
	}
	u.at = -1 // nobody knows, until it has arrived
	if u.has+n == u.content.Size {
		return u.stream, nil // to its very end
	}
	return io.NopCloser(io.LimitReader(u.stream, n)), nil
}

func (u *upload) close() {
	if u.stream != nil {
		u.stream.Close()
	}
	u.stream = nil
}

// lookAgain finds out what a broken connection has left: the whole blob, where
// only the answer was lost, or what the session says. One that has forgotten
// everything, as docker-registry's do, is followed by a new one.
func (u *upload) lookAgain(ctx context.Context) (whole bool, err error) {
	if u.session == nil {
		return false, nil
	}
	if there, err := u.repo.HasBlob(ctx, u.content.Digest); there || err != nil {
		return there, err
	}
	session := u.session
	resp, err := u.repo.do(ctx, request{method: http.MethodGet, url: func() *url.URL { return session }})
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	has, known := received(resp.Header.Get("Range"))
	if resp.StatusCode/100 != 2 || !known || has > u.content.Size {
		u.session = nil
		return false, nil
	}
	u.has = has
	if resp.Header.Get("Location") == "" {
		return false, nil // it stays where it is
	}
	return false, u.moveOn(resp)
}

// received reads the Range header of a session, "0-999" for a thousand bytes.
// "0-0" would be one, but is what docker-registry calls none; and one byte less
// than there is makes the registry refuse, and so a new session.
func received(header string) (n int64, ok bool) {
	first, last, _ := strings.Cut(strings.TrimPrefix(header, "bytes="), "-")
	n, err := strconv.ParseInt(last, 10, 64)
	if err != nil || first != "0" || n < 0 {
		return 0, false
	}
	if n == 0 {
		return 0, true
	}
	return n + 1, true
}

// minimumLength reads what a registry demands of all pieces but the last. More
// than a gigabyte nobody means.
func minimumLength(header http.Header) int64 {
	n, err := strconv.ParseInt(header.Get("OCI-Chunk-Min-Length"), 10, 64)
	if err != nil || n < 0 || n > 1<<30 {
		return 0
	}
	return n
}

func uploadError(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %w", errTooLarge, statusError(resp))
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable, transient(resp, nil):
		return fmt.Errorf("%w: %w", ErrInterrupted, statusError(resp))
	}
	return statusError(resp)
}

// moveOn follows the session: the Location header, which may be relative to
// this request's address.
func (u *upload) moveOn(resp *http.Response) error {
	next, err := nextAddress(resp)
	if err != nil {
		return err
	}
	u.session = next
	return nil
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
