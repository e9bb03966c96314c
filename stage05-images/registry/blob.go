package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blob returns the bytes of a blob from offset on, as one stream. Where the
// connection breaks the stream goes on with another one, so the reader sees
// either all bytes up to the descriptor's size, or an error. It computes no
// digest: the reader does, over all of it, offset included.
//
// The descriptor's urls are never followed. They are the registry's word on
// where else to look, which would make any address on this machine's networks
// reachable for it.
func (r *Repository) Blob(ctx context.Context, desc ocispec.Descriptor, offset int64) io.ReadCloser {
	return &blob{ctx: ctx, repo: r, desc: desc, at: offset}
}

type blob struct {
	ctx  context.Context
	repo *Repository
	desc ocispec.Descriptor

	at       int64         // bytes that the reader has
	body     io.ReadCloser // the connection at work; nil between two
	since    int64         // where it began
	failures int           // connections in a row that brought next to nothing
}

// Read goes on at once after a connection that brought something, and gives up
// after a few in a row that didn't.
func (b *blob) Read(p []byte) (int, error) {
	for {
		rest := b.desc.Size - b.at
		if rest <= 0 {
			return 0, io.EOF // what a registry sends beyond the size, nobody reads
		}
		err := b.connect()
		if errors.Is(err, errTooEarly) {
			if err = b.broken(err); err == nil {
				continue
			}
			return 0, err
		}
		if err != nil {
			return 0, fmt.Errorf("get blob %s: %w", b.desc.Digest, err)
		}
		n, err := b.body.Read(p[:min(int64(len(p)), rest)])
		b.at += int64(n)
		if err != nil && b.at < b.desc.Size {
			err = b.broken(err)
		} else {
			err = nil // whatever follows the last byte is of no interest
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// broken puts away a connection that ended early. It returns an error when
// there is no point in another.
func (b *blob) broken(cause error) error {
	b.Close()
	if b.at-b.since >= worthwhile {
		b.failures = 0
		return nil
	}
	if b.failures += weight(cause); b.failures < tries && b.ctx.Err() == nil {
		return pause(b.ctx, backoff(b.failures))
	}
	if b.ctx.Err() != nil {
		return context.Cause(b.ctx)
	}
	return fmt.Errorf("get blob %s: %w: %d of %d bytes received: %w", b.desc.Digest, ErrInterrupted, b.at, b.desc.Size, cause)
}

// connect asks for the bytes that are missing, RFC 9110 section 14:
//
//	Range: bytes=1000-   →   206 Content-Range: bytes 1000-4999/5000
//	                     →   200 and everything from the start, by a server that knows no ranges
//	                     →   416: there is nothing from there on
func (b *blob) connect() error {
	if b.body != nil {
		return nil
	}
	req := request{
		method: http.MethodGet,
		url:    func() *url.URL { return b.repo.address("blobs/" + b.desc.Digest.String()) },
	}
	if b.at > 0 {
		req.header = map[string]string{"Range": fmt.Sprintf("bytes=%d-", b.at)}
	}
	resp, err := b.repo.do(b.ctx, req)
	if err != nil {
		return err
	}
	b.since = b.at
	if err := b.accept(resp); err != nil {
		resp.Body.Close()
		return err
	}
	b.body = resp.Body
	return nil
}

// errTooEarly is a connection that broke before it came to the bytes that are
// missing, as it may where a server sends everything from the start.
var errTooEarly = errors.New("broken before the bytes that are missing")

// accept checks an answer and brings its body to the offset.
func (b *blob) accept(resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusOK:
		if err := b.checkLength(resp.ContentLength, b.desc.Size); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, resp.Body, b.at); err != nil {
			return fmt.Errorf("%w: %w", errTooEarly, err)
		}
		return nil
	case http.StatusPartialContent:
		if start, ok := rangeStart(resp.Header.Get("Content-Range")); !ok || start != b.at {
			return fmt.Errorf("%w: asked for bytes from %d on, got %q", ErrRefused, b.at, resp.Header.Get("Content-Range"))
		}
		return b.checkLength(resp.ContentLength, b.desc.Size-b.at)
	case http.StatusRequestedRangeNotSatisfiable:
		return fmt.Errorf("%w: blob is shorter than the %d bytes that its descriptor says", ErrRefused, b.desc.Size)
	}
	return statusError(resp)
}

// checkLength refuses a length that can't be right before a byte is read; -1
// is a server that doesn't say.
func (b *blob) checkLength(got, want int64) error {
	if got >= 0 && got != want {
		return fmt.Errorf("%w: blob has %d bytes, its descriptor says %d", ErrRefused, b.desc.Size-want+got, b.desc.Size)
	}
	return nil
}

func rangeStart(contentRange string) (int64, bool) {
	span, ok := strings.CutPrefix(contentRange, "bytes ")
	first, _, _ := strings.Cut(span, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	return start, ok && err == nil
}

func (b *blob) Close() error {
	if b.body == nil {
		return nil
	}
	body := b.body
	b.body = nil
	return body.Close()
}

// HasBlob asks whether the repository has a blob. Any answer but a clear yes
// counts as no, as some registries know no HEAD: the upload that follows is
// merely superfluous then.
func (r *Repository) HasBlob(ctx context.Context, d digest.Digest) (bool, error) {
	resp, err := r.do(ctx, request{
		method: http.MethodHead,
		url:    func() *url.URL { return r.address("blobs/" + d.String()) },
	})
	if err != nil {
		return false, fmt.Errorf("look for blob %s: %w", d, err)
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK, nil
}
