package unionfs

import (
	"archive/tar"
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"cooper/stage04-unionfs/hardlayers"

	"github.com/stretchr/testify/require"
)

// FuzzApply looks for a layer that reaches outside its directory. The input is
// a recipe: three bytes for each entry choose its kind, name and target among
// those that are most likely to go wrong together; a first byte of 0xff says
// that the rest is an archive as it is.
func FuzzApply(f *testing.F) {
	needRoot(f)
	f.Add([]byte{1, 0, 0, 2, 1, 5, 0, 6, 0, 3, 2, 6})
	f.Add([]byte{2, 0, 5, 1, 0, 0, 0, 4, 0, 5, 0, 0, 1, 0, 0})
	f.Add(append([]byte{0xff}, archive(f, dir("d/"), file("d/f", "x"), symlink("l", "/"), file(".wh.x", "")).Bytes()...))
	f.Add(append([]byte{0xff}, hardlayers.SparsePAX("holes", 1<<20)...))
	f.Add(append([]byte{0xff}, hardlayers.Portable()[1]...))
	f.Add(append([]byte{0xff}, hardlayers.Contrary()...))
	f.Fuzz(func(t *testing.T, input []byte) {
		p := newPlace(t)
		layer := bytes.NewBuffer(nil)
		if len(input) > 0 && input[0] == 0xff {
			layer.Write(input[1:])
		} else {
			layer = cook(t, p, input)
		}
		applier := Applier{Limits: Limits{Bytes: 1 << 20, Entries: 1000}, Lower: []string{p.outside}}
		_, err := applier.Apply(context.Background(), p.layer, layer)
		p.untouched(t)
		if err != nil && len(names(t, p.layer)) > 0 {
			t.Fatalf("half a layer is left after %v", err)
		}
		if err == nil {
			roundTrip(t, p.layer)
		}
	})
}

// roundTrip packs a layer's directory and unpacks it again: nothing may have
// changed, for the eye or in a byte.
func roundTrip(t testing.TB, layer string) {
	t.Helper()
	var first, second bytes.Buffer
	require.NoError(t, Diff(&first, layer))
	again := filepath.Join(t.TempDir(), "again")
	require.NoError(t, Apply(context.Background(), again, bytes.NewReader(first.Bytes())))
	require.Equal(t, census(t, layer), census(t, again))
	require.NoError(t, Diff(&second, again))
	require.True(t, bytes.Equal(first.Bytes(), second.Bytes()), "the same directory gives other bytes")
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// cook makes an archive of a recipe.
func cook(t testing.TB, p place, recipe []byte) *bytes.Buffer {
	kinds := []byte{tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeLink, tar.TypeFifo, tar.TypeChar}
	names := []string{"a", "b", "a/b", "a/b/c", "b/a", "a/secret", "b/secret", "a/.wh.secret", ".wh.a", "a/.wh..wh..opq", "../a", ".", "a/..", "b/.wh.a", "OUTSIDE/secret", "dir", "link/x"}
	targets := []string{"a", "b", "/", "..", ".", "OUTSIDE", "OUTSIDE/secret", "../outside", "../../outside/secret", "a/b", "/a", "secret", "dir", "/proc/self/cwd", "link"}
	var items []item
	for ; len(recipe) >= 3; recipe = recipe[3:] {
		i := item{Header: tar.Header{Typeflag: kinds[int(recipe[0])%len(kinds)], Mode: 0o777, ModTime: day,
			Name: names[int(recipe[1])%len(names)]}}
		switch i.Typeflag {
		case tar.TypeReg:
			i.body, i.Size = "pwned", 5
		case tar.TypeSymlink, tar.TypeLink:
			i.Linkname = targets[int(recipe[2])%len(targets)]
		case tar.TypeChar:
			i.Devmajor, i.Devminor = int64(recipe[2]%2), int64(recipe[2]%3)
		}
		items = append(items, i)
	}
	return archive(t, p.aim(items)...)
}
