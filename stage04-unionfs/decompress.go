package unionfs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A compressed layer says what it is in its first bytes:
//
//	1f 8b                gzip, RFC 1952
//	28 b5 2f fd          zstd, RFC 8878
//	42 5a 68             bzip2, not in the image specification
//	fd 37 7a 58 5a 00    xz, the same
//
// Anything else is taken for a plain tar, which has its own mark, "ustar", only
// at byte 257, and none at all in its oldest form.
const (
	gzipMagic  = "\x1f\x8b"
	zstdMagic  = "\x28\xb5\x2f\xfd"
	bzip2Magic = "BZh"
	xzMagic    = "\xfd7zXZ\x00"
)

// ErrUnknownCompression is the cause when a layer is compressed in a way that
// the image specification doesn't know.
var ErrUnknownCompression = errors.New("layers are plain, gzip or zstd")

// zstdWindow is how far back a zstd stream may refer, and so what reading it
// may cost in memory: the 128 MiB that the zstd command uses at most by itself.
const zstdWindow = 128 << 20

// Decompress returns the uncompressed bytes of r, which is a plain, gzip or
// zstd stream. Truncated streams end in io.ErrUnexpectedEOF; a stream that
// unpacks to more than a thousand times its size ends in ErrTooBig.
//
// Closing the reader gives its memory back; it doesn't close r.
func Decompress(r io.Reader) (io.ReadCloser, error) {
	packed := &countingReader{from: r}
	buffered := bufio.NewReaderSize(packed, 64<<10)
	magic, err := buffered.Peek(len(xzMagic))
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read layer: %w", err)
	}
	switch {
	case bytes.HasPrefix(magic, []byte(gzipMagic)):
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("read gzip: %w", err)
		}
		return &bombDetector{unpacked: unpacked, packed: packed}, nil
	case bytes.HasPrefix(magic, []byte(zstdMagic)):
		unpacked, err := zstd.NewReader(buffered, zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, fmt.Errorf("read zstd: %w", err)
		}
		return &bombDetector{unpacked: unpacked.IOReadCloser(), packed: packed}, nil
	case bytes.HasPrefix(magic, []byte(bzip2Magic)), bytes.HasPrefix(magic, []byte(xzMagic)):
		return nil, fmt.Errorf("%w: this one begins with % x", ErrUnknownCompression, magic)
	}
	return io.NopCloser(buffered), nil
}

// Guard watches over another way of unpacking than those that Decompress knows:
// open is given packed, and what it returns ends in ErrTooBig like theirs.
func Guard(packed io.Reader, open func(io.Reader) (io.Reader, error)) (io.ReadCloser, error) {
	counted := &countingReader{from: packed}
	unpacked, err := open(counted)
	if err != nil {
		return nil, err
	}
	return &bombDetector{unpacked: io.NopCloser(unpacked), packed: counted}, nil
}

type countingReader struct {
	from io.Reader
	n    int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.n += int64(n)
	return n, err
}

// A bombDetector stops a stream that blows up. Nothing that people store packs
// a thousand to one, except for runs of zeros: hence the first 100 MiB are free.
type bombDetector struct {
	unpacked io.ReadCloser
	packed   *countingReader
	n        int64
}

const (
	bombRatio = 1000
	bombFree  = 100 << 20
)

func (d *bombDetector) Read(p []byte) (int, error) {
	n, err := d.unpacked.Read(p)
	d.n += int64(n)
	if d.n > bombFree && d.n/bombRatio > d.packed.n {
		return n, fmt.Errorf("%w: it unpacks to more than %d times its size", ErrTooBig, bombRatio)
	}
	return n, err
}

func (d *bombDetector) Close() error { return d.unpacked.Close() }
