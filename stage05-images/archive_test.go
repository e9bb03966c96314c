package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

func saved(t testing.TB, s *Store, names ...string) []byte {
	t.Helper()
	var archive bytes.Buffer
	require.NoError(t, s.Save(context.Background(), &archive, names))
	return archive.Bytes()
}

func loaded(t testing.TB, s *Store, archive []byte) []Loaded {
	t.Helper()
	list, err := s.Load(context.Background(), bytes.NewReader(archive), nil)
	require.NoError(t, err)
	return list
}

// packedBy sends bytes through a program.
func packedBy(t *testing.T, data []byte, line ...string) []byte {
	t.Helper()
	notrace.NeedTool(t, line[0])
	command := exec.Command(line[0], line[1:]...)
	command.Stdin = bytes.NewReader(data)
	out, err := command.Output()
	require.NoError(t, err)
	return out
}

// file is a member of an archive that a test makes.
type file struct{ name, content, link string }

func archiveOf(t testing.TB, files ...file) []byte {
	t.Helper()
	archive, err := tryArchive(files)
	require.NoError(t, err)
	return archive
}

func tryArchive(files []file) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Mode: 0o644, Size: int64(len(f.content))}
		if f.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.link
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, f.content); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// membersOf lists an archive, in its order.
func membersOf(t testing.TB, archive []byte) (names []string, content map[string]string) {
	t.Helper()
	content = map[string]string{}
	in := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return names, content
		}
		require.NoError(t, err)
		data, err := io.ReadAll(in)
		require.NoError(t, err)
		names, content[h.Name] = append(names, h.Name), string(data)
	}
}

func TestASavedImageIsTheSameWhereItIsLoaded(t *testing.T) {
	here := newStore(t)
	base := put(t, here, "base", nil, "x=1")
	top := put(t, here, "host.example:5000/top:2", base, "x=2")
	require.NoError(t, here.Tag("base", "base:other"))
	archive := saved(t, here, "base:latest", "host.example:5000/top:2", "base:other")
	for name, packed := range map[string][]byte{
		"plain": archive,
		"gzip":  gzipped(t, archive),
		"zstd":  zstdPacked(t, archive),
		"xz":    packedBy(t, archive, "xz"),
		"bzip2": packedBy(t, archive, "bzip2"),
	} {
		there := newStore(t)
		list := loaded(t, there, packed)
		require.Equal(t, []Loaded{
			{ID: base.ID, Names: []string{"base:latest", "base:other"}, Displaced: map[string]digest.Digest{}},
			{ID: top.ID, Names: []string{"host.example:5000/top:2"}, Displaced: map[string]digest.Digest{}},
		}, list, name)
		img, err := there.Find("host.example:5000/top:2")
		require.NoError(t, err)
		require.Equal(t, top.Descriptor, img.Descriptor)
		require.Equal(t, "2", readLayerFile(t, there, img, "x"))
		requireClean(t, there)
		require.Equal(t, archive, saved(t, there, "base:latest", "host.example:5000/top:2", "base:other"), "the same images are the same bytes")
		before := contents(t, there)
		loaded(t, there, packed)
		require.Equal(t, before, contents(t, there), "what is there isn't brought again")
	}
}

func TestASavedArchiveHoldsSharedBlobsOnceAndItsListsFirst(t *testing.T) {
	s := newStore(t)
	base := put(t, s, "base", nil, "x=1")
	put(t, s, "top", base, "x=2")
	names, content := membersOf(t, saved(t, s, "base", "top"))
	require.Equal(t, []string{"oci-layout", "index.json", "manifest.json", "repositories"}, names[:4])
	require.Len(t, names, 4+2+2+2, "two layers, two configurations, two manifests")
	require.IsIncreasing(t, names[4:])
	require.Contains(t, content["repositories"], `"base":{"latest":"`)
}

func TestARepositorysNameSavesAllItsTagsAndAnIDNone(t *testing.T) {
	s := newStore(t)
	one, two := put(t, s, "app:1", nil, "x=1"), put(t, s, "app:2", nil, "x=2")
	put(t, s, "other", nil, "x=3")
	there := newStore(t)
	list := loaded(t, there, saved(t, s, "app"))
	require.Equal(t, []string{"app:1", "app:2"}, append(list[0].Names, list[1].Names...))
	require.Equal(t, []digest.Digest{one.ID, two.ID}, []digest.Digest{list[0].ID, list[1].ID})

	nameless := newStore(t)
	archive := saved(t, s, ShortID(one.ID))
	_, content := membersOf(t, archive)
	require.Contains(t, content["manifest.json"], `"RepoTags":null`)
	require.Empty(t, loaded(t, nameless, archive)[0].Names)
	img, err := nameless.Find(ShortID(one.ID))
	require.NoError(t, err)
	require.Empty(t, img.Names)

	require.ErrorIs(t, s.Save(context.Background(), io.Discard, []string{"nosuch"}), ErrNotFound)
}

func TestADamagedBlobIsNotSaved(t *testing.T) {
	s := newStore(t)
	img := put(t, s, "a", nil, "x="+noise(5000))
	damage(t, s.blobPath(img.Manifest.Layers[0].Digest))
	require.ErrorIs(t, s.Save(context.Background(), io.Discard, []string{"a"}), ErrCorrupt)
	require.NoFileExists(t, s.blobPath(img.Manifest.Layers[0].Digest), "a pull shall bring it again")
}

// damage changes a byte of a file.
func damage(t testing.TB, path string) {
	t.Helper()
	data := must(os.ReadFile(path))
	data[len(data)/2] ^= 1
	require.NoError(t, os.WriteFile(path, data, 0o600))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
