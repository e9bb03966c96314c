package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A container removes files while it is exported: here each of these at the
// moment in which it is about to be packed.
func TestWhatIsRemovedMeanwhileIsPassedOver(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "f", "stays"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
	}
	require.NoError(t, os.Link(dir+"/f", dir+"/g"))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	var out bytes.Buffer
	p := &packer{root: root, out: tar.NewWriter(&out), names: map[inode]string{}}
	require.NoError(t, p.walk(func(at string) error {
		if at == "a" || at == "f" {
			require.NoError(t, os.Remove(filepath.Join(dir, at)))
		}
		return p.entry(at, at)
	}))
	require.NoError(t, p.out.Close())
	require.Equal(t, []string{"./ 5", "g 0", "stays 0"}, namesAndKinds(t, &out))
}

// The tar is written in pieces of 256 KiB. The first one ends where the header
// of d would begin, so d goes when it has been looked at and before it is read.
func TestADirectoryMayBeRemovedBeforeItIsRead(t *testing.T) {
	const piece, block = 256 << 10, 512
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/a", make([]byte, piece-block), 0o644))
	require.NoError(t, os.Chtimes(dir+"/a", time.Time{}, time.Unix(1e9, 0))) // a fraction would take more headers
	require.NoError(t, os.Mkdir(dir+"/d", 0o755))
	require.NoError(t, os.WriteFile(dir+"/d/f", nil, 0o644))
	require.NoError(t, os.WriteFile(dir+"/e", nil, 0o644))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	var out bytes.Buffer
	pieces := 0
	require.NoError(t, PackRoot(writerFunc(func(b []byte) (int, error) {
		if pieces++; pieces == 1 {
			require.Len(t, b, piece)
			require.NoError(t, os.RemoveAll(dir+"/d"))
		}
		return out.Write(b)
	}), root))
	require.Equal(t, []string{"a 0", "d/ 5", "e 0"}, namesAndKinds(t, &out))
}

func namesAndKinds(t *testing.T, packed io.Reader) (list []string) {
	t.Helper()
	for in := tar.NewReader(packed); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		list = append(list, h.Name+" "+string(h.Typeflag))
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
