package images

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	unionfs "cooper/stage04-unionfs"
	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// receive takes a layer in, in one pass over its bytes:
//
//	blob ──┬─▶ sha256 = the descriptor's digest?
//	       └─▶ decompress ──┬─▶ sha256 = the configuration's diffID?
//	                        └─▶ unionfs.Apply ──▶ ingest/HEX.tree
//
// Unpacking begins before the digest is known, since it would otherwise wait
// for the last byte. What comes of a lie has no name yet, and never gets one.
func (in *ingest) receive(ctx context.Context, src io.Reader, desc ocispec.Descriptor, diffID digest.Digest) error {
	blob := newHashing(src)
	if err := in.unpack(ctx, blob, diffID); err != nil {
		return blob.explain(ctx, err, desc)
	}
	if _, err := io.Copy(io.Discard, blob); err != nil {
		return err
	}
	return blob.check(desc)
}

// unpack decompresses and applies a layer; with no diffID it does neither.
func (in *ingest) unpack(ctx context.Context, blob io.Reader, diffID digest.Digest) error {
	if diffID == "" {
		return nil
	}
	plain, err := unionfs.Decompress(blob)
	if err != nil {
		return err
	}
	defer plain.Close()
	layer := newHashing(plain)
	// Each layer is applied on its own and not on top of those below it: so
	// several can be at once, and one that is kept by its diffID is the same
	// whatever image brought it. A hard link into a lower layer is refused for
	// that, or one image could slip a file of its own into another's.
	if err := unionfs.Apply(ctx, in.tree(), layer); err != nil {
		return err
	}
	if got := layer.digest(); got != diffID {
		return fmt.Errorf("%w: layer unpacks to %s, the configuration says %s", registry.ErrRefused, got, diffID)
	}
	in.layer = diffID
	return nil
}

// hashing computes the digest of what is read through it, and remembers why
// reading ended.
type hashing struct {
	src  io.Reader
	hash hash.Hash
	n    int64
	err  error
}

func newHashing(src io.Reader) *hashing { return &hashing{src: src, hash: sha256.New()} }

func (h *hashing) Read(p []byte) (int, error) {
	n, err := h.src.Read(p)
	h.hash.Write(p[:n])
	h.n += int64(n)
	if err != nil && err != io.EOF {
		h.err = err
	}
	return n, err
}

func (h *hashing) digest() digest.Digest {
	return digest.NewDigest(digest.SHA256, h.hash)
}

// check compares all that was read with its descriptor.
func (h *hashing) check(desc ocispec.Descriptor) error {
	if h.n != desc.Size {
		return fmt.Errorf("%w: blob %s has %d bytes, its descriptor says %d", registry.ErrRefused, desc.Digest, h.n, desc.Size)
	}
	if got := h.digest(); got != desc.Digest {
		return fmt.Errorf("%w: blob %s turned out to be %s", registry.ErrRefused, desc.Digest, got)
	}
	return nil
}

// explain finds the reason behind an error of unpacking. The connection may
// have broken, or the bytes may be others than promised, of which a damaged
// gzip stream is only the symptom; the rest of the blob is read to tell. What
// is honest but too big isn't worth that.
func (h *hashing) explain(ctx context.Context, err error, desc ocispec.Descriptor) error {
	if h.err != nil {
		return h.err
	}
	if ctx.Err() != nil || errors.Is(err, unionfs.ErrTooBig) || errors.Is(err, registry.ErrRefused) {
		return err
	}
	if _, err := io.Copy(io.Discard, h); err != nil {
		return err
	}
	if wrong := h.check(desc); wrong != nil {
		return wrong
	}
	return err
}
