package unionfs

import (
	"errors"
	"fmt"
	"io"
)

// ErrTooBig is the cause when a layer holds more than its limits allow.
var ErrTooBig = errors.New("layer is too big")

// Limits bound what one layer may take of the disk, since a few kilobytes can
// be made to unpack for ever.
type Limits struct {
	Bytes   int64 // of the archive, and of all its files together, holes counted as if they were full
	Entries int64 // names in the archive, and directories that they imply
}

// DefaultLimits are far above any layer that people make, and below what fills
// a disk: 16 GiB and two million names.
func DefaultLimits() Limits {
	return Limits{Bytes: 16 << 30, Entries: 2_000_000}
}

// takeEntry counts one entry off what is left.
func (l *Limits) takeEntry() error {
	l.Entries--
	if l.Entries < 0 {
		return fmt.Errorf("%w: too many entries", ErrTooBig)
	}
	return nil
}

// takeBytes counts a file's size off what is left, before a byte is written.
func (l *Limits) takeBytes(size int64) error {
	if size > l.Bytes {
		return fmt.Errorf("%w: too many bytes", ErrTooBig)
	}
	l.Bytes -= size
	return nil
}

// A cappedReader fails when more than left bytes are read from it. An
// io.LimitReader would end there as if nothing were amiss.
type cappedReader struct {
	from io.Reader
	left int64
}

func (r *cappedReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.left -= int64(n)
	if r.left < 0 {
		return n, fmt.Errorf("%w: too many bytes", ErrTooBig)
	}
	return n, err
}
