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

// unpack decompresses a layer and applies it alone; with no diffID it does
// neither. Alone, so that several can be at once, and so that the tree is the
// same whatever image brought it. One that leans gets no name from it yet: its
// tree stays here for lean, or is left out if a hard link needs the layers
// below to be made at all.
func (in *ingest) unpack(ctx context.Context, blob io.Reader, diffID digest.Digest) error {
	in.layer, in.leaning = "", unionfs.Leaning{}
	if diffID == "" {
		return nil
	}
	leaning, err := in.apply(ctx, blob, diffID, nil)
	if errors.Is(err, unionfs.ErrNoTarget) {
		in.leaning.Links = true
		return nil
	}
	if err != nil {
		return err
	}
	if in.leaning = leaning; !leaning.Any() {
		in.layer = diffID
	}
	return nil
}

// apply unpacks a layer into the tree, on top of the given directories.
func (in *ingest) apply(ctx context.Context, blob io.Reader, diffID digest.Digest, lower []string) (leaning unionfs.Leaning, err error) {
	plain, err := unionfs.Decompress(blob)
	if err != nil {
		return leaning, err
	}
	defer plain.Close()
	layer := newHashing(plain)
	leaning, err = unionfs.Applier{Limits: unionfs.DefaultLimits(), Lower: lower}.Apply(ctx, in.tree(), layer)
	if err != nil {
		return leaning, err
	}
	if got := layer.digest(); got != diffID {
		return leaning, fmt.Errorf("%w: layer unpacks to %s, the configuration says %s", registry.ErrRefused, got, diffID)
	}
	in.unpacked, in.size = diffID, layer.n
	return leaning, nil
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
