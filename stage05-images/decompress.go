package images

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"fmt"
	"io"

	unionfs "cooper/stage04-unionfs"

	"github.com/ulikunitz/xz"
)

// decompress returns the plain bytes of an archive, which may be packed in any
// of the ways that people pack a tar. A layer has fewer: those two of them
// that the image specification names, and that stage 4 knows.
func decompress(r io.Reader) (io.ReadCloser, error) {
	packed := bufio.NewReaderSize(r, 256<<10)
	magic, err := packed.Peek(6)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	switch {
	case bytes.HasPrefix(magic, []byte("BZh")):
		return unionfs.Guard(packed, func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil })
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")):
		return unionfs.Guard(packed, func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) })
	}
	return unionfs.Decompress(packed)
}
