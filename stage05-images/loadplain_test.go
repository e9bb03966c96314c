package images

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"testing"

	"cooper/stage01-namespaces/notrace"
	unionfs "cooper/stage04-unionfs"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A plain layer is unpacked before it is known whether an image needs it.
func TestALayerThatNoImageNeedsMayBeWhateverItLikes(t *testing.T) {
	s := newStore(t)
	good := dockerArchive(t, nil, tarOf(t, "x=1"))
	half := tarOf(t, "big="+noise(5000))[:3000]
	for name, useless := range map[string][]byte{
		"it leads out":         tarOf(t, "../../evil=1"),
		"it ends in a file":    half,
		"it links to nothing":  linkLayer(t),
		"it is nothing at all": make([]byte, 700),
		"it is all right":      tarOf(t, "y=2"),
	} {
		archive := append(withoutEnd(t, archiveOf(t, file{name: "other/layer.tar", content: string(useless)})), good...)
		loaded(t, s, archive)
		img, err := s.Find("old:1")
		require.NoError(t, err, name)
		require.Equal(t, "1", readLayerFile(t, s, img, "x"), name)
		requireClean(t, s)
		require.Len(t, filesIn(t, s, "layers"), 1, name)
		require.Len(t, filesIn(t, s, "blobs/sha256"), 3, name)
		_, err = s.Remove("old:1", true)
		require.NoError(t, err)
	}
	_, err := s.Load(context.Background(), bytes.NewReader(dockerArchive(t, nil, half)), nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "an image needs this one")
}

// withoutEnd cuts off what marks a tar's end, so that another can follow.
func withoutEnd(t *testing.T, archive []byte) []byte {
	t.Helper()
	seen := bytes.NewReader(archive)
	r := tar.NewReader(seen)
	h, err := r.Next()
	require.NoError(t, err)
	start := len(archive) - seen.Len()
	return archive[:start+(int(h.Size)+511)/512*512]
}

func TestPlainLayersThatLeanAreCompletedToo(t *testing.T) {
	s, other := newStore(t), newStore(t)
	layers := [][]byte{baseLayer(t, 0o1777, "one"), noteLayer(t), linkLayer(t)}
	pulled := pulled(t, s, layers...)
	loaded(t, other, dockerArchive(t, nil, layers...))
	img, err := other.Find("old:1")
	require.NoError(t, err)
	for n, dir := range s.LayerDirs(pulled) {
		require.Equal(t, layerCensus(t, dir), layerCensus(t, other.LayerDirs(img)[n]))
	}
	_, err = newStore(t).Load(context.Background(), bytes.NewReader(dockerArchive(t, nil, linkLayer(t))), nil)
	require.ErrorIs(t, err, unionfs.ErrNoTarget)
}

// The disk has room for the blob again, and for no second tree.
func TestALayerThatIsThereIsNotUnpackedAgain(t *testing.T) {
	notrace.Check(t)
	archive := dockerArchive(t, nil, tarOf(t, "big="+noise(3_000_000)))
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=10m"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	s, err := OpenStore(dir)
	require.NoError(t, err)
	first := loaded(t, s, archive)
	require.Equal(t, first[0].ID, loaded(t, s, archive)[0].ID)
	requireClean(t, s)
}
