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
		return io.NopCloser(bzip2.NewReader(packed)), nil
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")):
		plain, err := xz.NewReader(packed)
		if err != nil {
			return nil, fmt.Errorf("read xz: %w", err)
		}
		return io.NopCloser(plain), nil
	}
	return unionfs.Decompress(packed)
}
