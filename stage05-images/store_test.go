package images

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

// put makes an image in the store out of files, upon a parent.
func put(t testing.TB, s *Store, name string, parent *Image, files ...string) *Image {
	t.Helper()
	img, err := s.Commit(context.Background(), CommitOptions{Parent: parent, Layer: strings.NewReader(string(tarOf(t, files...))), Name: name})
	require.NoError(t, err)
	return img
}

func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	notrace.NeedTool(t, name)
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}

func TestAnImageIsFoundByNameAndByID(t *testing.T) {
	s := newStore(t)
	a := put(t, s, "a", nil, "x=1")
	put(t, s, "host.example:5000/b/c:2", a, "x=2")
	require.NoError(t, s.Tag("a", "another:name"))
	for _, name := range []string{"a", "a:latest", "docker.io/library/a", "another:name", a.ID.String(), hexOf(a.ID), ShortID(a.ID), "a@" + a.Descriptor.Digest.String()} {
		img, err := s.Find(name)
		require.NoError(t, err, name)
		require.Equal(t, a.ID, img.ID, name)
		require.Equal(t, []string{"a:latest", "another:name"}, img.Names)
	}
	for _, name := range []string{"g", "a:2", "zzzz", "0123456789abcdef", "", "../a", "b@" + a.Descriptor.Digest.String()} {
		_, err := s.Find(name)
		require.ErrorIs(t, err, ErrNotFound, name)
	}
	list, err := s.List()
	require.NoError(t, err)
	require.Len(t, list, 2)
}

func TestTheTopmostLayerIsTheFirstDirectory(t *testing.T) {
	s := newStore(t)
	base := put(t, s, "base", nil, "x=1")
	again := put(t, s, "again", put(t, s, "", base, "x=2"), "x=1")
	dirs := s.LayerDirs(again)
	require.Len(t, dirs, 2, "a layer that stands twice is mounted once")
	require.FileExists(t, filepath.Join(dirs[0], "x"))
	require.Equal(t, "1", readLayerFile(t, s, again, "x"))
}

func TestSkopeoAndUmociReadTheStoreAndWriteIntoIt(t *testing.T) {
	s := newStore(t)
	img := put(t, s, "debian:12", nil, "x=1")
	put(t, s, "127.0.0.1:5000/me/app:1.2", img, "x=2")
	dir := t.TempDir()
	tool(t, "skopeo", "copy", "-q", "oci:"+s.Dir()+":debian:12", "oci:"+dir+"/copy:x")
	tool(t, "skopeo", "copy", "-q", "oci:"+s.Dir()+":127.0.0.1:5000/me/app:1.2", "oci:"+dir+"/copy:y")
	require.Contains(t, tool(t, "umoci", "stat", "--image", s.Dir()+":debian:12"), img.Manifest.Layers[0].Digest)
	tool(t, "umoci", "unpack", "--image", s.Dir()+":127.0.0.1:5000/me/app:1.2", dir+"/bundle")
	content, err := os.ReadFile(dir + "/bundle/rootfs/x")
	require.NoError(t, err)
	require.Equal(t, "2", string(content))

	// Another store's image, written into ours by skopeo, is ours.
	other := newStore(t)
	tool(t, "skopeo", "copy", "-q", "oci:"+dir+"/copy:y", "oci:"+other.Dir()+":given/by:skopeo")
	given, err := other.Find("given/by:skopeo")
	require.NoError(t, err)
	require.NoError(t, other.Unpack(context.Background(), given))
	require.Equal(t, "2", readLayerFile(t, other, given, "x"))
}

func TestRemovingANameKeepsWhatOthersNeed(t *testing.T) {
	s := newStore(t)
	base := put(t, s, "base", nil, "x=1")
	top := put(t, s, "top", base, "x=2")
	require.NoError(t, s.Tag("base", "base:other"))

	_, err := s.Remove(ShortID(base.ID), false)
	require.ErrorIs(t, err, ErrHasNames)
	done, err := s.Remove("base:other", false)
	require.NoError(t, err)
	require.Equal(t, Removal{Untagged: []string{"base:other"}}, done)
	done, err = s.Remove("base", false)
	require.NoError(t, err)
	require.Equal(t, []digest.Digest{base.ID}, done.Deleted, "its layer belongs to another image too")
	require.Equal(t, "1", readLayerFile(t, s, &Image{Config: base.Config}, "x"))

	done, err = s.Remove(ShortID(top.ID), false)
	require.NoError(t, err)
	require.Equal(t, []string{"top:latest"}, done.Untagged)
	require.Len(t, done.Deleted, 3)
	require.Equal(t, contents(t, newStore(t))[1:], contents(t, s)[1:], "a store without images is like a new one")
}

func TestALayerThatAContainerStandsOnStays(t *testing.T) {
	s := newStore(t)
	img := put(t, s, "a", nil, "x=1")
	s.InUse = func(needed map[digest.Digest]bool) error {
		needed[img.Config.RootFS.DiffIDs[0]] = true
		return nil
	}
	done, err := s.Remove("a", false)
	require.NoError(t, err)
	require.Equal(t, []digest.Digest{img.ID}, done.Deleted)
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))
	s.InUse = nil
	done, err = s.Prune()
	require.NoError(t, err)
	require.Equal(t, img.Config.RootFS.DiffIDs, done.Deleted)
}

func TestWhatIsHeldIsNotCollectedAndWhatTheDeadHeldIs(t *testing.T) {
	s := newStore(t)
	img := put(t, s, "a", nil, "x=1")
	h, err := s.hold(img.Config.RootFS.DiffIDs[0], img.ID)
	require.NoError(t, err)
	done, err := s.Remove("a", false)
	require.NoError(t, err)
	require.Equal(t, []digest.Digest{img.ID}, done.Deleted)
	require.FileExists(t, s.blobPath(img.ID))
	require.DirExists(t, s.layerPath(img.Config.RootFS.DiffIDs[0]))

	h.file.Close() // as the kernel does for a process that dies: the file stays, its lock doesn't
	_, err = s.Prune()
	require.NoError(t, err)
	require.NoFileExists(t, h.file.Name())
	require.NoFileExists(t, s.blobPath(img.ID))
}

func TestAnImageInUseLosesItsNameAndNothingElse(t *testing.T) {
	s := newStore(t)
	put(t, s, "a", nil, "x=1")
	img, release, err := s.Use("a")
	require.NoError(t, err)
	_, err = s.Remove("a", false)
	require.NoError(t, err)
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))
	require.True(t, s.Has(img.ID))

	release()
	require.NoError(t, s.Collect())
	require.False(t, s.Has(img.ID))
	requireClean(t, s)
	_, _, err = s.Use("a")
	require.ErrorIs(t, err, ErrNotFound)
}

func TestANameThatMovesLeavesItsImageWithoutOne(t *testing.T) {
	s := newStore(t)
	first := put(t, s, "a", nil, "x=1")
	second := put(t, s, "a", nil, "x=2")
	img, err := s.Find("a")
	require.NoError(t, err)
	require.Equal(t, second.ID, img.ID)
	img, err = s.Find(ShortID(first.ID))
	require.NoError(t, err)
	require.Empty(t, img.Names)
	require.NoError(t, s.Tag(ShortID(first.ID), "b"))
	done, err := s.Prune()
	require.NoError(t, err)
	require.Empty(t, done.Deleted, "it has a name again")
}

func TestADamagedImageIsToldAndRemovedAndHidesNoOther(t *testing.T) {
	s := newStore(t)
	good, bad := put(t, s, "good", nil, "x=1"), put(t, s, "bad", nil, "x=2")
	path := s.blobPath(bad.ID)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	data[10] ^= 1
	require.NoError(t, os.WriteFile(path, data, 0o600))

	_, err = s.Find("bad")
	require.ErrorIs(t, err, ErrCorrupt)
	list, err := s.List()
	require.ErrorIs(t, err, ErrCorrupt)
	require.Len(t, list, 1)
	require.Equal(t, good.ID, list[0].ID)
	_, err = s.Remove("good", false)
	require.ErrorIs(t, err, ErrCorrupt, "who knows what the damaged image needs")
	_, err = s.Remove("bad", false)
	require.NoError(t, err)
	require.NoFileExists(t, path)
}

func TestNoNameIsLostWhenManyAreGivenAtOnce(t *testing.T) {
	s := newStore(t)
	img := put(t, s, "a", nil, "x=1")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			own, err := OpenStore(s.Dir()) // as another process would
			if err == nil {
				err = own.Tag("a", "a:"+string(rune('a'+i)))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	found, err := s.Find(ShortID(img.ID))
	require.NoError(t, err)
	require.Len(t, found.Names, 21)
}

func TestAStoreIsPrivateAndOfAKnownKind(t *testing.T) {
	s := newStore(t)
	put(t, s, "a", nil, "x=1")
	info, err := os.Stat(s.Dir())
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir(), "oci-layout"), []byte(`{"imageLayoutVersion":"9"}`), 0o600))
	_, err = OpenStore(s.Dir())
	require.ErrorContains(t, err, "want 1.0.0")
}
