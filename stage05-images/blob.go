package images

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"cooper/stage05-images/flock"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// openBlob opens a blob to be read from its first byte to its last. What is read
// is held against the digest: where the disk has changed it, the blob ends in
// ErrCorrupt instead of io.EOF, and is removed, so that the next pull fetches
// it again. Nobody downstream takes damaged bytes for whole ones, and no
// registry is blamed for them.
func (s *Store) openBlob(desc ocispec.Descriptor) (io.ReadCloser, error) {
	if err := checkDigest(desc.Digest); err != nil {
		return nil, err
	}
	file, err := os.Open(s.blobPath(desc.Digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: blob %s is missing: pull the image again", ErrCorrupt, desc.Digest)
	}
	if err != nil {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	return &storedBlob{hashing: newHashing(file), file: file, desc: desc}, nil
}

type storedBlob struct {
	*hashing
	file *os.File
	desc ocispec.Descriptor
}

// Read holds the last bytes back until all of them are known to be right: who
// was promised a length would be content with them.
func (b *storedBlob) Read(p []byte) (int, error) {
	n, err := b.hashing.Read(p)
	if (err == io.EOF || b.n >= b.desc.Size) && !b.isWhole() {
		return 0, errors.Join(b.forget(), fmt.Errorf("%w: the bytes of blob %s are others than they were: pull the image again", ErrCorrupt, b.desc.Digest))
	}
	return n, err
}

func (b *storedBlob) isWhole() bool { return b.n == b.desc.Size && b.digest() == b.desc.Digest }

// forget removes the blob, unless a pull has put a new one in its place.
func (b *storedBlob) forget() error {
	if !flock.Named(b.file) {
		return nil
	}
	return os.Remove(b.file.Name())
}

func (b *storedBlob) Close() error { return b.file.Close() }
