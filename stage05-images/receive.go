package images

import (
	"bufio"
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
//	blob ─▶ sha256 = the descriptor's digest?
//	        │ readAhead: what is left of it and what is right of it go on side by side
//	        └─▶ decompress ──┬─▶ sha256 = the configuration's diffID?
//	                         └─▶ unionfs.Apply ──▶ ingest/HEX.tree
//
// Unpacking begins before the digest is known, since it would otherwise wait
// for the last byte. What comes of a lie has no name yet, and never gets one.
// Where the tree is there, from another blob, nothing is unpacked; but that this
// blob is the same layer isn't believed either.
func (in *ingest) receive(ctx context.Context, src io.Reader, desc ocispec.Descriptor, diffID digest.Digest, isThere bool) error {
	take, settle := in.unpack, in.claim
	if isThere {
		take, settle = in.measure, in.compare
	}
	blob := newHashing(src)
	rest := readAhead(blob)
	defer rest.stop()
	if err := take(ctx, rest); err != nil {
		return blob.explain(err, rest, desc)
	}
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return err
	}
	if err := blob.check(desc); err != nil {
		return err
	}
	return settle(desc, diffID)
}

// unpack decompresses a layer and applies it alone: so several can be at once,
// and the tree is the same whatever image brought it. One that leans keeps its
// tree here for lean, or has none if a hard link needs the layers below to be
// made at all.
func (in *ingest) unpack(ctx context.Context, blob io.Reader) (err error) {
	in.layer = ""
	in.leaning, err = in.apply(ctx, blob, nil)
	if errors.Is(err, unionfs.ErrNoTarget) {
		in.leaning.Links = true
		return nil
	}
	return err
}

// apply unpacks a layer into the tree, on top of the given directories. What a
// plain one unpacks to is its blob, which has been hashed or will be: once is
// enough.
func (in *ingest) apply(ctx context.Context, blob io.Reader, lower []string) (unionfs.Leaning, error) {
	unpacked, err := in.decompress(blob)
	if err != nil {
		return unionfs.Leaning{}, err
	}
	defer unpacked.Close()
	applier := unionfs.Applier{Limits: unionfs.DefaultLimits(), Lower: lower}
	if in.plain {
		return applier.Apply(ctx, in.tree(), unpacked)
	}
	layer := newHashing(unpacked)
	leaning, err := applier.Apply(ctx, in.tree(), layer)
	if err == nil {
		in.unpacked, in.size = layer.digest(), layer.n
	}
	return leaning, err
}

// measure finds out what a layer unpacks to, and how much that is, but makes no
// tree of it. For a plain one there is nothing to find out.
func (in *ingest) measure(ctx context.Context, blob io.Reader) error {
	unpacked, err := in.decompress(blob)
	if err != nil {
		return err
	}
	defer unpacked.Close()
	if in.plain {
		return nil
	}
	layer, most := newHashing(unpacked), unionfs.DefaultLimits().Bytes
	if _, err := io.Copy(io.Discard, io.LimitReader(counting(ctx, layer, func(int64) {}), most+1)); err != nil {
		return err
	}
	if layer.n > most {
		return fmt.Errorf("%w: too many bytes", unionfs.ErrTooBig)
	}
	in.unpacked, in.size = layer.digest(), layer.n
	return nil
}

func (in *ingest) decompress(blob io.Reader) (io.ReadCloser, error) {
	in.unpacked = ""
	buffered := bufio.NewReader(blob)
	head, _ := buffered.Peek(4) // an error comes again
	in.plain = layerType(head) == ocispec.MediaTypeImageLayer
	return unionfs.Decompress(buffered)
}

// claim gives a tree that stands by itself the name that its configuration has
// for it. The blob is known to be what its descriptor says.
func (in *ingest) claim(desc ocispec.Descriptor, diffID digest.Digest) error {
	if err := in.compare(desc, diffID); err != nil {
		return err
	}
	if !in.leaning.Any() {
		in.layer = diffID
	}
	return nil
}

// compare holds what the blob unpacked to against the configuration. Of a
// packed one that wasn't unpacked to its end lean will.
func (in *ingest) compare(desc ocispec.Descriptor, diffID digest.Digest) error {
	if in.plain {
		in.unpacked, in.size = desc.Digest, desc.Size
	}
	if in.unpacked != "" && in.unpacked != diffID {
		return fmt.Errorf("%w: layer unpacks to %s, the configuration says %s", registry.ErrRefused, in.unpacked, diffID)
	}
	return nil
}

// hashing computes the digest of what is read through it.
type hashing struct {
	src  io.Reader
	hash hash.Hash
	n    int64
}

func newHashing(src io.Reader) *hashing { return &hashing{src: src, hash: sha256.New()} }

func (h *hashing) Read(p []byte) (int, error) {
	n, err := h.src.Read(p)
	h.hash.Write(p[:n])
	h.n += int64(n)
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
func (h *hashing) explain(err error, rest io.Reader, desc ocispec.Descriptor) error {
	if errors.Is(err, unionfs.ErrTooBig) {
		return err
	}
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return err
	}
	if wrong := h.check(desc); wrong != nil {
		return wrong
	}
	return err
}
