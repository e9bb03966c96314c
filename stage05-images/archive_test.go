package images

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"
	unionfs "cooper/stage04-unionfs"

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

// dockerArchive is what Docker up to 24 saves of an image with these layers:
// the second one of two that are equal is a link to the first.
func dockerArchive(t testing.TB, change func(list []archived, config *Config), layers ...[]byte) []byte {
	t.Helper()
	config := Config{}
	config.OS, config.Architecture, config.RootFS.Type = "linux", "amd64", "layers"
	image := archived{RepoTags: []string{"old:1"}}
	var files []file
	seen := map[string]string{}
	for i, layer := range layers {
		name := fmt.Sprintf("%064x/layer.tar", i+1)
		if first := seen[string(layer)]; first != "" {
			files = append(files, file{name: name, link: "../" + first})
		} else {
			files = append(files, file{name: name, content: string(layer)})
			seen[string(layer)] = name
		}
		files = append(files, file{name: fmt.Sprintf("%064x/VERSION", i+1), content: "1.0"}, file{name: fmt.Sprintf("%064x/json", i+1), content: "{}"})
		image.Layers = append(image.Layers, name)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.FromBytes(layer))
	}
	list := []archived{image}
	if change != nil {
		change(list, &config)
	}
	body, err := json.MarshalIndent(config, "", " ") // nobody's usual way to write it
	require.NoError(t, err)
	if list[0].Config == "" {
		list[0].Config = digest.FromBytes(body).Encoded() + ".json"
	}
	manifest, err := json.Marshal(list)
	require.NoError(t, err)
	files = append(files, file{name: digest.FromBytes(body).Encoded() + ".json", content: string(body)}, file{name: "manifest.json", content: string(manifest)})
	return archiveOf(t, files...)
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

func TestALoadThatTakesANameTellsWhoHadIt(t *testing.T) {
	here, there := newStore(t), newStore(t)
	put(t, here, "a", nil, "x=1")
	old := put(t, there, "a", nil, "x=2")
	list := loaded(t, there, saved(t, here, "a"))
	require.Equal(t, map[string]digest.Digest{"a:latest": old.ID}, list[0].Displaced)
	img, err := there.Find(ShortID(old.ID))
	require.NoError(t, err)
	require.Empty(t, img.Names)
}

func TestADamagedBlobIsNotSaved(t *testing.T) {
	s := newStore(t)
	img := put(t, s, "a", nil, "x="+noise(5000))
	damage(t, s.blobPath(img.Manifest.Layers[0].Digest))
	require.ErrorIs(t, s.Save(context.Background(), io.Discard, []string{"a"}), ErrCorrupt)
}

func TestDockersOlderArchivesKeepTheirConfigurationsAndShareTheirLayers(t *testing.T) {
	s := newStore(t)
	one, two := tarOf(t, "x=1"), tarOf(t, "x=2")
	archive := dockerArchive(t, nil, one, two, one)
	_, content := membersOf(t, archive)
	list := loaded(t, s, archive)
	require.Equal(t, []string{"old:1"}, list[0].Names)
	img, err := s.Find("old:1")
	require.NoError(t, err)
	require.Equal(t, content[hexOf(img.ID)+".json"], string(must(s.readBlob(img.ID))), "the bytes, not what they mean")
	require.Len(t, img.Manifest.Layers, 3)
	require.Equal(t, img.Manifest.Layers[0], img.Manifest.Layers[2])
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))
	requireClean(t, s)

	again := newStore(t)
	require.Equal(t, list, loaded(t, again, saved(t, s, "old:1")))
	there := newStore(t)
	nameless := dockerArchive(t, func(list []archived, _ *Config) { list[0].RepoTags = nil }, gzipped(t, nil)[:0], one)
	require.Empty(t, loaded(t, there, nameless)[0].Names)
}

func TestAnImageThatIsThereKeepsItsManifestWhenDockersArchiveBringsIt(t *testing.T) {
	s := newStore(t)
	f := madeImage(t, []string{"x=1"})
	server := serve(t, f, nil)
	pulled, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	config := must(s.readBlob(pulled.ID))
	manifest := must(json.Marshal([]archived{{Config: "c.json", RepoTags: []string{"again:1"}, Layers: []string{"l.tar"}}}))
	before := contents(t, s)
	loaded(t, s, archiveOf(t, file{name: "l.tar", content: string(tarOf(t, "x=1"))}, file{name: "c.json", content: string(config)}, file{name: "manifest.json", content: string(manifest)}))
	img, err := s.Find("again:1")
	require.NoError(t, err)
	require.Equal(t, pulled.Descriptor, img.Descriptor)
	require.Equal(t, len(before), len(contents(t, s)), "no second blob of the same layer")
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

func TestWhatIsWrongInAnArchiveIsRefusedAndNothingOfItIsKept(t *testing.T) {
	one := tarOf(t, "x=1")
	here := newStore(t)
	img := put(t, here, "good", nil, "x=1")
	good := saved(t, here, "good")
	_, content := membersOf(t, good)
	layer := archiveBlobs + hexOf(img.Manifest.Layers[0].Digest)
	tagged := func(names ...string) []byte {
		return dockerArchive(t, func(list []archived, _ *Config) { list[0].RepoTags = names }, one)
	}
	without := func(name, instead string) []byte {
		files := []file{}
		for member, data := range content {
			if member == name {
				data = instead
			}
			if data != "" {
				files = append(files, file{name: member, content: data})
			}
		}
		return archiveOf(t, files...)
	}
	for name, c := range map[string]struct {
		archive []byte
		says    string
	}{
		"nothing":                       {nil, "neither an index.json nor a manifest.json"},
		"no tar":                        {bytes.Repeat([]byte("x"), 2000), "read tar"},
		"a root filesystem":             {tarOf(t, "bin/sh=x"), "import takes"},
		"half of it":                    {good[:len(good)/2+100], "unexpected EOF"},
		"half of it, packed":            {gzipped(t, good)[:700], "unexpected EOF"},
		"a name that leads upwards":     {tagged("../../etc:x"), "parse image name"},
		"a name with a space":           {tagged("a b"), "parse image name"},
		"a config that is a path":       {dockerArchive(t, func(list []archived, _ *Config) { list[0].Config = "../../../etc/passwd" }, one), "isn't in it"},
		"a layer that is a path":        {dockerArchive(t, func(list []archived, _ *Config) { list[0].Layers[0] = "/etc/passwd" }, one), "isn't in it"},
		"a layer of another content":    {dockerArchive(t, func(_ []archived, c *Config) { c.RootFS.DiffIDs[0] = digest.FromString("other") }, one), "the configuration says"},
		"more layers than diffIDs":      {dockerArchive(t, func(_ []archived, c *Config) { c.RootFS.DiffIDs = nil }, one), "names 0 layers"},
		"an image for windows":          {dockerArchive(t, func(_ []archived, c *Config) { c.OS = "windows" }, one), "not for linux"},
		"a layer that isn't there":      {without(layer, ""), "isn't in it"},
		"a layer under another digest":  {without(layer, string(gzipped(t, tarOf(t, "x=2")))), "turned out to be"},
		"a config under another digest": {without(archiveBlobs+hexOf(img.ID), `{"os":"linux"}`), "turned out to be"},
		"an index that is no JSON":      {without("index.json", "{"), "parse manifest"},
		"a list that is no JSON":        {without("manifest.json", "["), "parse manifest.json"},
		"a list of nothing":             {archiveOf(t, file{name: "manifest.json", content: "[]"}), "lists no images"},
		"an archive of 2013":            {archiveOf(t, file{name: "repositories", content: "{}"}), "before 1.10"},
		"a layer that leads out": {dockerArchive(t, nil, func() []byte {
			return tarOf(t, "../../../evil=1")
		}()), "leads out of the layer"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			before := contents(t, s)
			_, err := s.Load(context.Background(), bytes.NewReader(c.archive), nil)
			require.ErrorContains(t, err, c.says)
			require.Equal(t, before, contents(t, s))
		})
	}
}

func TestALinkInAnArchiveLeadsToItsMembersAlone(t *testing.T) {
	s := newStore(t)
	secret := string(tarOf(t, "x=1"))
	config, err := json.Marshal(Config{})
	require.NoError(t, err)
	for _, target := range []string{"/etc/passwd", "../../../../etc/passwd", "b/layer.tar", "../a/layer.tar"} {
		archive := archiveOf(t, file{name: "a/layer.tar", link: target}, file{name: "c.json", content: string(config)},
			file{name: "manifest.json", content: `[{"Config":"c.json","Layers":["a/layer.tar"]}]`}, file{name: "etc/shadow", content: secret})
		_, err := s.Load(context.Background(), bytes.NewReader(archive), nil)
		require.ErrorContains(t, err, "refused the archive")
	}
}

// Zeros pack a thousand to one and more, and a tar may say that it has any
// number of them.
func TestABombIsStoppedBeforeItFillsTheDisk(t *testing.T) {
	var start bytes.Buffer
	w := tar.NewWriter(&start)
	require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "layer.tar", Size: 1 << 40}))
	_, err := newStore(t).Load(context.Background(), bytes.NewReader(start.Bytes()), nil)
	require.ErrorContains(t, err, "unexpected EOF", "the header alone is too short to tell")
	_, err = newStore(t).Load(context.Background(), io.MultiReader(&start, zeros{}), nil)
	require.ErrorIs(t, err, unionfs.ErrTooBig)

	for _, line := range [][]string{{"xz", "-0c"}, {"bzip2", "-1c"}} { // stage 4 knows the others
		notrace.NeedTool(t, line[0])
		s := newStore(t)
		before := contents(t, s)
		packer := exec.Command(line[0], line[1:]...)
		var head bytes.Buffer
		w := tar.NewWriter(&head)
		require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "layer.tar", Size: 10 << 30}))
		packer.Stdin = io.MultiReader(&head, zeros{})
		packed := must(packer.StdoutPipe())
		require.NoError(t, packer.Start())
		_, err := s.Load(context.Background(), packed, nil)
		require.ErrorIs(t, err, unionfs.ErrTooBig, line[0])
		require.NoError(t, packer.Process.Kill())
		_ = packer.Wait()
		require.Equal(t, before, contents(t, s))
	}
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestAnArchiveOfManyNamesIsStoppedBeforeItFillsTheMemory(t *testing.T) {
	reader, writer := io.Pipe()
	go func() {
		w := tar.NewWriter(writer)
		for i := 0; ; i++ {
			h := &tar.Header{Typeflag: tar.TypeSymlink, Name: fmt.Sprintf("%d/%s", i, strings.Repeat("x", 60000)), Linkname: "y"}
			if w.WriteHeader(h) != nil {
				return
			}
		}
	}()
	_, err := newStore(t).Load(context.Background(), reader, nil)
	reader.Close()
	require.ErrorIs(t, err, errTooMuch)
}
