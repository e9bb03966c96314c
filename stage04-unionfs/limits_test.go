package unionfs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"cooper/stage04-unionfs/hardlayers"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// The attack cases S38.

func TestALayerIsHeldToItsLimits(t *testing.T) {
	needRoot(t)
	many := []item{}
	for n := range 11 {
		many = append(many, file(fmt.Sprint("f", n), ""))
	}
	for name, layer := range map[string]*bytes.Buffer{
		"too many entries":       archive(t, many...),
		"too many directories":   archive(t, file(strings.Repeat("d/", 20)+"f", "")),
		"one file too big":       archive(t, file("big", strings.Repeat("x", 100_001))),
		"files too big together": archive(t, file("a", strings.Repeat("x", 60_000)), file("b", strings.Repeat("x", 60_000))),
		"a size of 2^62":         bytes.NewBuffer(sized(t, 1<<62)),
		"padding without end":    bytes.NewBuffer(append(archive(t, file("f", "")).Bytes(), make([]byte, 200_000)...)),
		"holes without end":      bytes.NewBuffer(hardlayers.SparsePAX("holes", 10<<30)),
		"headers without files":  bytes.NewBuffer(bytes.Repeat(globalHeader(), 400)),
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			_, err := Applier{Limits: Limits{Bytes: 100_000, Entries: 10}}.Apply(context.Background(), root, layer)
			require.ErrorIs(t, err, ErrTooBig)
			require.Empty(t, names(t, root))
		})
	}
}

func TestHolesTakeNoRoom(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	require.NoError(t, Apply(context.Background(), root, bytes.NewReader(hardlayers.SparsePAX("holes", 1<<30))))
	stat := lstat(t, root+"/holes")
	require.EqualValues(t, 1<<30, stat.Size)
	require.LessOrEqual(t, stat.Blocks*512, int64(64<<10))
	f, err := os.Open(root + "/holes")
	require.NoError(t, err)
	defer f.Close()
	tail := make([]byte, 4)
	_, err = f.ReadAt(tail, 1<<30-4)
	require.NoError(t, err)
	require.Equal(t, "tail", string(tail))
}

// sized is an archive whose one file claims a size that isn't there.
func sized(t testing.TB, size int64) []byte {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "huge", Size: size, Mode: 0o600}))
	return packed.Bytes()
}

func globalHeader() []byte {
	return hardlayers.Raw("pax_global_header", 'g', "17 comment=hello\n")
}

func TestDecompressTellsFormatsByTheirFirstBytes(t *testing.T) {
	plain := archive(t, file("f", "hello")).Bytes()
	for name, c := range map[string]struct {
		packed []byte
		want   []byte
	}{
		"plain":                {plain, plain},
		"gzip":                 {gzipped(t, plain), plain},
		"gzip in 1000 members": {bytes.Repeat(gzipped(t, []byte("x")), 1000), bytes.Repeat([]byte("x"), 1000)},
		"zstd":                 {zstandard(t, plain), plain},
		"nothing":              {nil, nil},
		"one byte":             {[]byte("x"), []byte("x")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decompressAll(bytes.NewReader(c.packed))
			require.NoError(t, err)
			require.True(t, bytes.Equal(c.want, got))
		})
	}
}

func TestDecompressRefusesWhatItCannotTrust(t *testing.T) {
	plain := bytes.Repeat([]byte("some words "), 10_000)
	flipped := gzipped(t, plain)
	flipped[len(flipped)-6] ^= 1
	for name, c := range map[string]struct {
		packed []byte
		err    error
		text   string
	}{
		"cut gzip":            {packed: cut(gzipped(t, plain)), err: io.ErrUnexpectedEOF},
		"cut zstd":            {packed: cut(zstandard(t, plain)), err: io.ErrUnexpectedEOF},
		"gzip's checksum":     {packed: flipped, text: "checksum"},
		"a window of 256 MiB": {packed: []byte("\x28\xb5\x2f\xfd\x00\x90\x01\x00\x00"), text: "window"},
		"xz":                  {packed: []byte("\xfd7zXZ\x00rest"), err: ErrUnknownCompression},
		"bzip2":               {packed: []byte("BZh91AY"), err: ErrUnknownCompression},
		"a gzip bomb":         {packed: gzipped(t, make([]byte, 128<<20)), err: ErrTooBig},
		"a zstd bomb":         {packed: zstandard(t, make([]byte, 128<<20)), err: ErrTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decompressAll(bytes.NewReader(c.packed))
			require.Error(t, err)
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
			}
			require.ErrorContains(t, err, c.text)
		})
	}
}

func cut(packed []byte) []byte { return packed[:len(packed)*2/3] }

func gzipped(t testing.TB, plain []byte) []byte {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(plain)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return packed.Bytes()
}

func zstandard(t testing.TB, plain []byte) []byte {
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer w.Close()
	return w.EncodeAll(plain, nil)
}

func decompressAll(packed io.Reader) ([]byte, error) {
	r, err := Decompress(packed)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
