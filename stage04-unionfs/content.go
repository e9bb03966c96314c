package unionfs

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"
)

// fill writes a file's content.
func (w *writer) fill(fd int, body io.Reader, size int64) error {
	for done := int64(0); done < size; {
		chunk, err := w.readChunk(body, size-done)
		if err != nil {
			return err
		}
		if err := writeAt(fd, chunk, done); err != nil {
			return err
		}
		done += int64(len(chunk))
	}
	return nil
}

// fillSparse writes only the blocks that hold something. The tar reader shows
// holes as zeros; a file of 10 GiB with one block of data takes one block here.
func (w *writer) fillSparse(fd int, body io.Reader, size int64) error {
	var zeros [4096]byte
	for done := int64(0); done < size; {
		chunk, err := w.readChunk(body, size-done)
		if err != nil {
			return err
		}
		for len(chunk) > 0 {
			block := chunk[:min(len(chunk), len(zeros))]
			if !bytes.Equal(block, zeros[:len(block)]) {
				if err := writeAt(fd, block, done); err != nil {
					return err
				}
			}
			done += int64(len(block))
			chunk = chunk[len(block):]
		}
	}
	return failed("ftruncate", "", unix.Ftruncate(fd, size))
}

// readChunk reads the next piece of a file, and notices when nobody waits for
// it any more.
func (w *writer) readChunk(body io.Reader, left int64) ([]byte, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	chunk := w.buffer[:min(int64(len(w.buffer)), left)]
	if _, err := io.ReadFull(body, chunk); err != nil {
		return nil, fmt.Errorf("read tar: %w", err)
	}
	return chunk, nil
}

func writeAt(fd int, data []byte, offset int64) error {
	for len(data) > 0 {
		n, err := unix.Pwrite(fd, data, offset)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return failed("pwrite", "", err)
		}
		data, offset = data[n:], offset+int64(n)
	}
	return nil
}

// IsSparse reports whether an entry was made from a file with holes; see "GNU
// sparse" in tar(5). Its size says nothing of how many bytes the archive has of
// it.
func IsSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}
