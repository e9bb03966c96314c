package images

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	unionfs "cooper/stage04-unionfs"
	"cooper/stage04-unionfs/hardlayers"
	"cooper/stage05-images/registrytest"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// putHardImage puts the image with every trap that a layer can set into a store, in
// layers as our commit writes them: Docker and Podman take none with the sparse
// files of GNU's tar.
func putHardImage(t testing.TB, s *Store) (img *Image) {
	t.Helper()
	var lower []string
	for n, layer := range hardlayers.Portable() {
		dir := filepath.Join(t.TempDir(), strconv.Itoa(n))
		_, err := unionfs.Applier{Limits: unionfs.DefaultLimits(), Lower: lower}.Apply(context.Background(), dir, bytes.NewReader(layer))
		require.NoError(t, err)
		lower = slices.Insert(lower, 0, dir)
		var ours bytes.Buffer
		require.NoError(t, unionfs.Diff(&ours, dir))
		img = must(s.Commit(context.Background(), CommitOptions{Parent: img, Layer: &ours, Name: "hard:1"}))
	}
	return img
}

// asTheyUnpack is the hard image as Docker and Podman have it: for them no time
// is before 1970.
func asTheyUnpack() string {
	return strings.Replace(hardlayers.Tree(), " -14182940.250000000 ", " 0.000000000 ", 1)
}

// unionCensus lists what the kernel shows of layers, topmost first.
func unionCensus(t testing.TB, dirs []string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, unix.Mount("overlay", root, "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(dirs, ":")))
	defer func() { require.NoError(t, unix.Unmount(root, 0)) }()
	return must(hardlayers.Census(root))
}

func TestTheHardImageIsTheSameInDockerAndBack(t *testing.T) {
	docker := startDocker(t)
	here := newStore(t)
	img := putHardImage(t, here)
	require.Equal(t, hardlayers.Tree(), unionCensus(t, here.LayerDirs(img)))
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/ours.tar", saved(t, here, "hard:1"), 0o600))
	docker.run("load", "-i", dir+"/ours.tar")
	require.Equal(t, asTheyUnpack(), unionCensus(t, docker.layers("hard:1")))

	docker.run("save", "-o", dir+"/docker.tar", "hard:1")
	there := newStore(t)
	require.Equal(t, img.ID, loaded(t, there, must(os.ReadFile(dir+"/docker.tar")))[0].ID)
	back, err := there.Find("hard:1")
	require.NoError(t, err)
	require.Equal(t, hardlayers.Tree(), unionCensus(t, there.LayerDirs(back)))
}

// layers are the directories of an image, topmost first.
func (d *dockerd) layers(image string) []string {
	d.t.Helper()
	return strings.Split(d.run("inspect", "-f", "{{.GraphDriver.Data.UpperDir}}:{{.GraphDriver.Data.LowerDir}}", image), ":")
}

func TestTheHardImageIsTheSameThroughARegistryToDockerAndBack(t *testing.T) {
	docker := startDocker(t)
	registry := registrytest.Start(t)
	here := newStore(t)
	img := putHardImage(t, here)
	name := registry + "/hard:1"
	require.NoError(t, here.Tag("hard:1", name))
	_, err := Push(context.Background(), here, name, PushOptions{})
	require.NoError(t, err)
	docker.run("pull", "-q", name)
	require.Equal(t, img.ID.String(), docker.run("inspect", "-f", "{{.Id}}", name))
	require.Equal(t, asTheyUnpack(), unionCensus(t, docker.layers(name)))

	again := registry + "/again:1"
	docker.run("tag", name, again)
	docker.run("push", "-q", again)
	there := newStore(t)
	back, err := Pull(context.Background(), there, again, PullOptions{})
	require.NoError(t, err)
	require.Equal(t, img.ID, back.ID)
	require.Equal(t, hardlayers.Tree(), unionCensus(t, there.LayerDirs(back)))

	// What came as Docker's archive is plain, and goes on so.
	dir := t.TempDir()
	docker.run("save", "-o", dir+"/docker.tar", name)
	plain := newStore(t)
	loaded(t, plain, must(os.ReadFile(dir+"/docker.tar")))
	require.NoError(t, plain.Tag(name, registry+"/plain:1"))
	_, err = Push(context.Background(), plain, registry+"/plain:1", PushOptions{})
	require.NoError(t, err)
	docker.run("rmi", name, again)
	docker.run("pull", "-q", registry+"/plain:1")
	require.Equal(t, asTheyUnpack(), unionCensus(t, docker.layers(registry+"/plain:1")))
}

func TestTheHardImageIsTheSameInPodmanSkopeoAndUmoci(t *testing.T) {
	pod := podman(t)
	here := newStore(t)
	img := putHardImage(t, here)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/ours.tar", saved(t, here, "hard:1"), 0o600))
	pod("load", "-q", "-i", dir+"/ours.tar")
	theirs, err := hardlayers.Census(strings.TrimSpace(pod("image", "mount", "hard:1")))
	pod("image", "umount", "hard:1")
	require.NoError(t, err)
	_, below, _ := strings.Cut(asTheyUnpack(), "\n") // it makes roots 0555
	require.Equal(t, below, theirs[strings.Index(theirs, "\n")+1:])

	pod("save", "-q", "--format", "docker-archive", "-o", dir+"/podman.tar", "hard:1")
	tool(t, "skopeo", "copy", "-q", "oci:"+here.Dir()+":hard:1", "oci-archive:"+dir+"/skopeo.tar:hard:1")
	for _, archive := range []string{"podman.tar", "skopeo.tar"} {
		there := newStore(t)
		require.Equal(t, img.ID, loaded(t, there, must(os.ReadFile(filepath.Join(dir, archive))))[0].ID)
		back, err := there.Find("hard:1")
		require.NoError(t, err)
		require.Equal(t, hardlayers.Tree(), unionCensus(t, there.LayerDirs(back)), archive)
	}
	tool(t, "umoci", "unpack", "--image", here.Dir()+":hard:1", dir+"/bundle")
	require.Equal(t, hardlayers.Tree(), must(hardlayers.Census(dir+"/bundle/rootfs")))
}

// As it came: with zstd, sparse files, and a layer that leans on those below it.
func TestTheHardImageIsTheSameThroughAnArchiveOfOurs(t *testing.T) {
	host := registrytest.Start(t)
	f := imageOf(t, append(hardlayers.Portable(), hardlayers.Contrary())...)
	f.manifest.Layers[0] = f.blob(ocispec.MediaTypeImageLayerZstd, zstdPacked(t, hardlayers.Portable()[0]))
	upload(t, host, "hard", "1", f)
	here, there := newStore(t), newStore(t)
	img, err := Pull(context.Background(), here, host+"/hard:1", PullOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{host + "/hard:1"}, loaded(t, there, saved(t, here, host+"/hard:1"))[0].Names)
	back, err := there.Find(host + "/hard:1")
	require.NoError(t, err)
	require.Equal(t, img.Descriptor, back.Descriptor)
	require.Equal(t, hardlayers.ContraryTree(), unionCensus(t, there.LayerDirs(back)))
	requireClean(t, there)
}
