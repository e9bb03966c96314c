package images

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"
	unionfs "cooper/stage04-unionfs"
	"cooper/stage04-unionfs/hardlayers"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

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
		"an index of nothing":           {archiveOf(t, file{name: "index.json", content: `{"schemaVersion":2,"manifests":[]}`}), "lists no images"},
		"a layer with holes":            {hardlayers.SparsePAX("layer.tar", 1<<20), "with holes"},
		"a layer with holes, older":     {hardlayers.SparseGNU("layer.tar", 1<<20), "with holes"},
		"an archive of 2013":            {archiveOf(t, file{name: "repositories", content: "{}"}), "before 1.10"},
		"a hard link into nothing":      {dockerArchive(t, nil, one, linkLayer(t)), "target is in no layer"},
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

// As when the tar is unpacked, be it a link and then a file or the other way.
func TestOfTwoMembersOfOneNameTheLastOneCounts(t *testing.T) {
	layer := string(tarOf(t, "x=1"))
	var made Config
	made.RootFS.DiffIDs = []digest.Digest{digest.FromString(layer)}
	config, err := json.Marshal(made)
	require.NoError(t, err)
	content, link := file{name: "a/layer.tar", content: layer}, file{name: "a/layer.tar", link: "../b/layer.tar"}
	rest := []file{{name: "c.json", content: string(config)}, {name: "manifest.json", content: `[{"Config":"c.json","RepoTags":["a:1"],"Layers":["a/layer.tar"]}]`}}

	s := newStore(t)
	loaded(t, s, archiveOf(t, slices.Concat([]file{link, content}, rest)...))
	img, err := s.Find("a:1")
	require.NoError(t, err)
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))

	_, err = newStore(t).Load(context.Background(), bytes.NewReader(archiveOf(t, slices.Concat([]file{content, link}, rest)...)), nil)
	require.ErrorContains(t, err, "isn't in it")
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
