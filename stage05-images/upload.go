package images

import (
	"context"
	"fmt"
	"hash"
	"io"
	"sync/atomic"
	"time"

	"github.com/opencontainers/go-digest"
)

// Upload is a blob that a client sends, in one piece or in several:
//
//	Begin ──▶ Append ──▶ Append ──▶ Finish(digest) ──▶ the repository has the blob
//	               ╲ the line breaks: what came stays, and Size says how much
//	                ╲ an hour of silence: Tidy takes it for given up
//
// The bytes are hashed as they come, and written to a file that has no name
// among the blobs. It gets one when the client has named the digest, it was the
// right one, and everything is on the disk.
type Upload struct {
	ID string // chosen here, so that no client's word is part of a path

	registry   *Registry
	repository string
	turn       chan struct{} // holds one token: one request at a time writes
	in         *ingest
	hash       hash.Hash
	size       atomic.Int64
	touched    atomic.Int64 // Unix seconds
	over       bool         // finished or cancelled; for who has the turn
}

// Size returns how many bytes have been received.
func (u *Upload) Size() int64 { return u.size.Load() }

func (u *Upload) touch()                           { u.touched.Store(time.Now().Unix()) }
func (u *Upload) idle(now time.Time) time.Duration { return now.Sub(time.Unix(u.touched.Load(), 0)) }

// Append takes more bytes, of which the first is the offset'th of the blob; -1
// is wherever we are. When reading breaks off, those that came count.
func (u *Upload) Append(ctx context.Context, offset int64, src io.Reader) error {
	if err := u.take(ctx); err != nil {
		return err
	}
	defer u.give()
	if size := u.Size(); offset >= 0 && offset != size {
		return refuse(BlobUploadInvalid, "the chunk begins at byte %d, and %d bytes are here", offset, size)
	}
	_, err := io.Copy(uploadWriter{u}, src)
	return err
}

// uploadWriter writes a piece and hashes what of it was written.
type uploadWriter struct{ *Upload }

func (u uploadWriter) Write(p []byte) (int, error) {
	n, err := u.in.file.Write(p)
	u.hash.Write(p[:n])
	u.size.Add(int64(n))
	u.touch()
	return n, err
}

// Finish makes the bytes a blob of the repository, if they are the ones that
// the digest means. If not, the upload is over all the same: no byte that comes
// later could make it right.
func (u *Upload) Finish(ctx context.Context, d digest.Digest) error {
	if err := badDigest(d); err != nil {
		return err
	}
	if err := u.take(ctx); err != nil {
		return err
	}
	defer u.give()
	defer u.end()
	if got := digest.NewDigest(digest.SHA256, u.hash); got != d {
		return refuse(DigestInvalid, "the %d bytes received are %s, not %s", u.Size(), got, d)
	}
	if err := u.registry.pledge(u.repository, d); err != nil {
		return fmt.Errorf("finish upload: %w", err)
	}
	u.in.blob = d
	if err := u.in.publishAlone(); err != nil {
		u.registry.unpledge(u.repository, d)
		return fmt.Errorf("finish upload: %w", err)
	}
	return nil
}

// Cancel gives the upload up.
func (u *Upload) Cancel(ctx context.Context) error {
	if err := u.take(ctx); err != nil {
		return err
	}
	defer u.give()
	u.end()
	return nil
}

// take waits for the turn, and refuses one to an upload that is over.
func (u *Upload) take(ctx context.Context) error {
	select {
	case <-u.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if u.over {
		u.give()
		return refuse(BlobUploadUnknown, "the upload is over")
	}
	return nil
}

func (u *Upload) give() { u.turn <- struct{}{} }

// end removes what has no name. The caller has the turn.
func (u *Upload) end() {
	u.over = true
	u.in.abandon()
	u.registry.strike(u)
}

// publishAlone gives one blob its name: fsync, where publish has one syncfs for
// a whole image. A registry is given blobs one by one, and shouldn't make all
// that this machine writes wait for the disk each time.
func (in *ingest) publishAlone() error {
	if err := in.file.Sync(); err != nil {
		return fmt.Errorf("publish blob: %w", err)
	}
	if err := in.rename(); err != nil {
		return fmt.Errorf("publish blob: %w", err)
	}
	if err := syncDir(in.store.path("blobs", "sha256")); err != nil {
		return fmt.Errorf("publish blob: %w", err)
	}
	return nil
}
