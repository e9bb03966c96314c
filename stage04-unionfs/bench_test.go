package unionfs

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// debianlike is a layer of about 200 MB in 6,755 entries, as large as what
// debootstrap makes of Debian: many small files, some links, few large files.
func debianlike(b *testing.B) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 8<<20)
	for n := range noise {
		noise[n] = byte(random.Uint32())
	}
	var items []item
	for d := range 750 {
		parent := fmt.Sprintf("usr/share/part-%02d/dir-%03d/", d%25, d)
		if d < 25 {
			items = append(items, dir(fmt.Sprintf("usr/share/part-%02d/", d)))
		}
		items = append(items, dir(parent))
		for n := range 7 {
			size := 1 << (random.UintN(7) + 9)
			if n == 0 {
				size = random.IntN(500_000)
			}
			start := random.IntN(len(noise) - size)
			items = append(items, file(fmt.Sprintf("%sfile-%d", parent, n), string(noise[start:start+size])))
		}
		items = append(items, symlink(parent+"link", "file-0"))
	}
	return archive(b, items...).Bytes()
}

// BenchmarkApply stands beside BenchmarkTar, which does the same with GNU tar.
func BenchmarkApply(b *testing.B) {
	needRoot(b)
	layer := debianlike(b)
	b.SetBytes(int64(len(layer)))
	for b.Loop() {
		root := filepath.Join(b.TempDir(), "layer")
		require.NoError(b, Apply(context.Background(), root, bytes.NewReader(layer)))
		b.StopTimer()
		require.NoError(b, Remove(root))
		b.StartTimer()
	}
}

func BenchmarkTar(b *testing.B) {
	needRoot(b)
	notrace.NeedTool(b, "tar")
	layer := debianlike(b)
	b.SetBytes(int64(len(layer)))
	for b.Loop() {
		root := b.TempDir()
		unpack := exec.Command("tar", "-x", "--same-owner", "-C", root)
		unpack.Stdin = bytes.NewReader(layer)
		require.NoError(b, unpack.Run())
		b.StopTimer()
		require.NoError(b, Remove(root))
		b.StartTimer()
	}
}

func BenchmarkDiff(b *testing.B) {
	needRoot(b)
	layer := debianlike(b)
	root := filepath.Join(b.TempDir(), "layer")
	require.NoError(b, Apply(context.Background(), root, bytes.NewReader(layer)))
	b.SetBytes(int64(len(layer)))
	for b.Loop() {
		require.NoError(b, Diff(discard{}, root))
	}
}

// BenchmarkApplyDeep has one entry in as many directories as a path can name:
// the time must grow with their number, not with its square or cube.
func BenchmarkApplyDeep(b *testing.B) {
	needRoot(b)
	layer := archive(b, file(strings.Repeat("d/", 2000)+"f", "")).Bytes()
	for b.Loop() {
		dir := b.TempDir()
		require.NoError(b, Apply(b.Context(), dir, bytes.NewReader(layer)))
		b.StopTimer()
		require.NoError(b, Remove(dir))
		b.StartTimer()
	}
}

func BenchmarkDecompressGzip(b *testing.B) {
	packed := gzipped(b, debianlike(b))
	b.SetBytes(int64(len(packed)))
	for b.Loop() {
		_, err := decompressAll(bytes.NewReader(packed))
		require.NoError(b, err)
	}
}

// BenchmarkOverlay measures the step alone, with the layers of a usual image.
func BenchmarkOverlay(b *testing.B) {
	notrace.Check(b)
	var lower []string
	for range 8 {
		lower = append(lower, b.TempDir())
	}
	s := stackOf(b, lower...)
	require.NoError(b, os.MkdirAll(s.Rootfs, 0o755))
	inUnion(b, s, func(string) {
		for b.Loop() {
			require.NoError(b, mountOverlay(s))
		}
	})
}
