package hardlayers

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// at is when the entries were made that say nothing else.
var at = time.Unix(1_000_000_000, 0)

// A writer writes entries, some by archive/tar and some by hand. What it
// writes is written down in this package, so an error is a bug in it.
type writer struct {
	bytes.Buffer
	tar *tar.Writer
}

func newWriter() *writer {
	w := &writer{}
	w.tar = tar.NewWriter(&w.Buffer)
	return w
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("hard layer: %v", err))
	}
}

// finish ends the archive and returns it.
func (w *writer) finish() []byte {
	must(w.tar.Close())
	return w.Bytes()
}

// put writes one entry, as PAX unless the header names another format.
func (w *writer) put(h tar.Header, body string) {
	h.Size = int64(len(body))
	if h.ModTime.IsZero() {
		h.ModTime = at
	}
	if h.Format == tar.FormatUnknown {
		h.Format = tar.FormatPAX
	}
	must(w.tar.WriteHeader(&h))
	_, err := io.WriteString(w.tar, body)
	must(err)
}

// raw writes bytes that archive/tar wouldn't.
func (w *writer) raw(entry []byte) {
	must(w.tar.Flush())
	w.Write(entry)
}

func (w *writer) dir(name string, mode int64) {
	w.put(tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: mode}, "")
}

func (w *writer) file(name, body string) {
	w.put(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, body)
}

func (w *writer) symlink(name, target string) {
	w.put(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777}, "")
}

func (w *writer) hardlink(name, target string) {
	w.put(tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o644}, "")
}

func (w *writer) fifo(name string, mode int64) {
	w.put(tar.Header{Typeflag: tar.TypeFifo, Name: name, Mode: mode}, "")
}

// Raw is one entry that archive/tar doesn't write: a ustar header of the given
// kind, as tar(5) draws it, and its body.
func Raw(name string, kind byte, body string) []byte {
	return padded(append(Header(name, kind, int64(len(body))), body...))
}

// Header is the header of such an entry, for a body that is too long to hold.
func Header(name string, kind byte, size int64) []byte {
	header := ustar(name, kind, size)
	checksum(header)
	return header
}

func ustar(name string, kind byte, size int64) []byte {
	header := make([]byte, 512)
	copy(header, name)
	copy(header[100:], "0000644\x000000000\x000000000\x00")
	copy(header[124:], fmt.Sprintf("%011o\x00%011o\x00        ", size, at.Unix()))
	header[156] = kind
	copy(header[257:], "ustar\x0000")
	return header
}

// checksum is the last field to be written: it is taken over all others, with
// blanks in its own place.
func checksum(header []byte) {
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
}

func padded(entry []byte) []byte {
	return append(entry, make([]byte, (512-len(entry)%512)%512)...)
}

// SparsePAX is one file of the given size that holds but the word "tail" at
// its end, in GNU's sparse format 1.0: the map of what isn't a hole stands, in
// decimal lines, in front of the data.
func SparsePAX(name string, size int64) []byte {
	mapped := fmt.Sprintf("1\n%d\n4\n", size-4)
	body := mapped + strings.Repeat("\x00", 512-len(mapped)) + "tail"
	records := ""
	for _, record := range [][2]string{{"GNU.sparse.major", "1"}, {"GNU.sparse.minor", "0"},
		{"GNU.sparse.name", name}, {"GNU.sparse.realsize", fmt.Sprint(size)}} {
		line := " " + record[0] + "=" + record[1] + "\n"
		records += fmt.Sprint(len(line)+2) + line
	}
	return append(Raw("PaxHeaders.0/sparse", tar.TypeXHeader, records), Raw("GNUSparseFile.0/sparse", tar.TypeReg, body)...)
}

// SparseGNU is the same file in the older format, whose map stands in the
// header itself: "old GNU", type S.
func SparseGNU(name string, size int64) []byte {
	header := ustar(name, tar.TypeGNUSparse, 4)
	copy(header[257:], "ustar  \x00")                                // GNU's magic
	copy(header[386:], fmt.Sprintf("%011o\x00%011o\x00", size-4, 4)) // where the data belong, and how many
	copy(header[483:], fmt.Sprintf("%011o\x00", size))               // with its holes
	checksum(header)
	return padded(append(header, "tail"...))
}
