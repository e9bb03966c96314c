package server

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// How long one waits for a client: half a minute for the next piece, in either
// direction, and no client may be slower than a kilobyte a second for long.
// A deadline for a whole request can't be had, since blobs may be large and
// lines slow; but one that sends a byte now and then would otherwise keep its
// connection, and its upload, for ever.
func (h *Handler) patience() time.Duration {
	if h.Patience > 0 {
		return h.Patience
	}
	return 30 * time.Second
}

const slowest = 1 << 10 // bytes per second

// pace is a request's two streams, of which every piece has a deadline.
type pace struct {
	http.ResponseWriter
	control *http.ResponseController
	body    *pacedBody

	patience time.Duration
	began    time.Time
	sent     int64
}

func newPace(w http.ResponseWriter, r *http.Request, patience time.Duration) *pace {
	p := &pace{ResponseWriter: w, control: http.NewResponseController(w), patience: patience, began: time.Now()}
	p.body = &pacedBody{ReadCloser: r.Body, pace: p}
	return p
}

// deadline is for the next piece, after n bytes since the beginning.
func (p *pace) deadline(n int64) time.Time {
	atSlowest := p.began.Add(p.patience + time.Duration(n/slowest)*time.Second)
	if next := time.Now().Add(p.patience); next.Before(atSlowest) {
		return next
	}
	return atSlowest
}

func (p *pace) WriteHeader(status int) {
	p.last()
	p.ResponseWriter.WriteHeader(status)
}

func (p *pace) Write(data []byte) (int, error) {
	_ = p.control.SetWriteDeadline(p.deadline(p.sent))
	n, err := p.ResponseWriter.Write(data)
	p.sent += int64(n)
	return n, err
}

// last gives what is still in a buffer its time: the server sends it when the
// handler has returned.
func (p *pace) last() { _ = p.control.SetWriteDeadline(time.Now().Add(p.patience)) }

// pacedBody is the half that comes in.
type pacedBody struct {
	io.ReadCloser
	pace     *pace
	received int64
	err      error
}

func (b *pacedBody) Read(data []byte) (int, error) {
	_ = b.pace.control.SetReadDeadline(b.pace.deadline(b.received))
	n, err := b.ReadCloser.Read(data)
	b.received += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// broken tells whether the client, or the line to it, ended before its body.
func (b *pacedBody) broken() bool { return b.err != nil }
