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

// Content is a blob to give away.
type Content struct {
	ocispec.Descriptor

	// Open opens its bytes from an offset on.
	Open func(offset int64) (io.ReadCloser, error)

	// From is another repository of the same registry that has the blob, for
	// all we know; "" for none.
	From string
}

// Upload gives the repository a blob: by its name where the registry takes it
// from another repository, which is called mounting, or else by its bytes.
//
//	POST  uploads/?mount=DIGEST&from=PATH   201: it's there
//	POST  uploads/                          202 Location: a session
//	PUT   Location?digest=DIGEST            201: the bytes, all of them
//
// and where that breaks off
//
//	GET   Location                          204 Range: 0-999
//	PUT   Location?digest=DIGEST            201: the bytes from 1000 on
//
// One request for the bytes is what every registry understands, which can't be
// said of several. Those are for what stands in front of it: a proxy that
// answers 413 gets pieces, each by a PATCH.
//
// The specification has a POST with the bytes in it, too. Debian's
// docker-registry, like most of its kind, answers it as if it were empty, so
// it would never save a request there, and on others one of three.
func (r *Repository) Upload(ctx context.Context, c Content) (mounted bool, err error) {
	u := &upload{repo: r, content: c}
	defer u.close()
	err = u.run(ctx)
	if err != nil {
		return false, fmt.Errorf("upload blob %s: %w", c.Digest, err)
	}
	return u.mounted, nil
}

// upload is one blob on its way.
type upload struct {
	repo    *Repository
	content Content

	session *url.URL // nil where none is open
	has     int64    // bytes that the session has
	most    int64    // bytes that a request may carry; 0 is no limit
	least   int64    // bytes that a request must carry, but for the last
	mounted bool

	stream io.ReadCloser // the content, opened
	at     int64         // how far the stream is read
}

// run goes on from one broken connection to the next, and gives up when a few
// in a row brought next to nothing.
func (u *upload) run(ctx context.Context) error {
	furthest := int64(0)
	for failures := 0; ; {
		err := u.send(ctx)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, errTooLarge) && u.most == 0:
			u.most, u.session = max(pieceSize, u.least), nil
			continue
		case !errors.Is(err, ErrInterrupted), u.session == nil: // what opens a session was tried often enough
			return err
		}
		if failures += weight(err); failures >= tries {
			return err
		}
		if err := pause(ctx, backoff(failures)); err != nil {
			return err
		}
		whole, err := u.lookAgain(ctx)
		if whole || err != nil {
			return err
		}
		if u.has >= furthest+worthwhile {
			failures, furthest = 0, u.has
		}
	}
}

// pieceSize is under the megabyte that nginx allows when nobody has told it
// otherwise, with room for a header.
const pieceSize = 1<<20 - 4096

var errTooLarge = errors.New("a request is too large for the registry, or for a proxy in front of it")

// send makes what requests are left to make.
func (u *upload) send(ctx context.Context) error {
	if u.session == nil {
		if err := u.begin(ctx); err != nil || u.mounted {
			return err
		}
	}
	for u.most > 0 && u.content.Size-u.has > u.most {
		if err := u.patch(ctx); err != nil {
			return err
		}
	}
	return u.put(ctx)
}

// begin opens a session, or finds that none is needed. A registry that won't
// mount, be it that we may not read there, loses nothing: it gets the bytes.
func (u *upload) begin(ctx context.Context) error {
	u.has = 0
	resp, err := u.repo.do(ctx, request{method: http.MethodPost, url: func() *url.URL {
		address := u.repo.address("blobs/uploads/")
		if u.content.From != "" {
			address.RawQuery = url.Values{"mount": {u.content.Digest.String()}, "from": {u.content.From}}.Encode()
		}
		return address
	}})
	if err != nil && (u.content.From == "" || !errors.Is(err, ErrUnauthorized)) {
		return err
	}
	if err == nil {
		defer resp.Body.Close()
		switch {
		case resp.StatusCode == http.StatusCreated && u.content.From != "":
			u.mounted = true
			return nil
		case resp.StatusCode == http.StatusAccepted:
			u.least = minimumLength(resp.Header)
			return u.moveOn(resp)
		case u.content.From == "":
			return uploadError(resp)
		}
	}
	u.content.From = ""
	return u.begin(ctx)
}
