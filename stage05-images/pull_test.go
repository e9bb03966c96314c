package images

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"sync"
	"testing"

	"cooper/stage05-images/registry"
	"cooper/stage05-images/registrytest"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// upload gives a real registry a fixture under a tag, or without one.
func upload(t *testing.T, host, path, tag string, f *fixture) ocispec.Descriptor {
	t.Helper()
	ctx := context.Background()
	repo := registry.Open(host, path, registry.Options{Push: true})
	defer repo.Close()
	desc, body := f.seal(t)
	for d, data := range f.blobs {
		_, err := repo.Upload(ctx, registry.Content{
			Descriptor: ocispec.Descriptor{Digest: d, Size: int64(len(data))},
			Open: func(offset int64) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(data[offset:])), nil
			},
		})
		require.NoError(t, err)
	}
	if tag == "" {
		tag = desc.Digest.String()
	}
	require.NoError(t, repo.PutManifest(ctx, tag, registry.Manifest{MediaType: desc.MediaType, Digest: desc.Digest, Bytes: body}))
	return desc
}

func TestAnImageMakesTheRoundTripThroughARealRegistry(t *testing.T) {
	ctx, host := context.Background(), registrytest.Start(t)
	mine, name := newStore(t), host+"/me/app:1"
	base := put(t, mine, "base", nil, "x=1", "big="+noise(3_000_000))
	img := put(t, mine, name, base, "x=2")
	pushed, err := Push(ctx, mine, name, PushOptions{})
	require.NoError(t, err)
	require.Equal(t, img.Descriptor.Digest, pushed)
	require.Contains(t, tool(t, "skopeo", "inspect", "--tls-verify=false", "docker://"+name), pushed)

	yours := newStore(t)
	got, err := Pull(ctx, yours, name, PullOptions{})
	require.NoError(t, err)
	require.Equal(t, img.ID, got.ID, "an ID is the same everywhere")
	require.Equal(t, img.Descriptor, got.Descriptor)
	require.Equal(t, []string{host + "/me/app@" + pushed.String()}, got.Digests)
	require.Equal(t, "2", readLayerFile(t, yours, got, "x"))

	var states statesSeen
	_, err = Pull(ctx, yours, name, PullOptions{Progress: &states})
	require.NoError(t, err)
	require.Equal(t, []string{"Already exists", "Already exists"}, states.list)
	states.list = nil
	_, err = Push(ctx, yours, name, PushOptions{Progress: &states})
	require.NoError(t, err)
	require.Equal(t, []string{"Preparing", "Preparing", "Layer already exists", "Layer already exists"}, states.list)

	byDigest, err := Pull(ctx, newStore(t), host+"/me/app@"+pushed.String(), PullOptions{})
	require.NoError(t, err)
	require.Equal(t, img.ID, byDigest.ID)
	_, err = Pull(ctx, yours, host+"/me/app:2", PullOptions{})
	require.ErrorIs(t, err, registry.ErrNotFound)
}

type statesSeen struct {
	silent
	lock sync.Mutex
	list []string
}

func (s *statesSeen) Layer(_, state string, _, _ int64) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.list = append(s.list, state)
}

func TestDockersKindOfManifestKeepsItsBytes(t *testing.T) {
	ctx, host := context.Background(), registrytest.Start(t)
	mine := newStore(t)
	put(t, mine, "a", nil, "x=1")
	name := host + "/docker:1"
	tool(t, "skopeo", "copy", "-q", "--dest-tls-verify=false", "--format", "v2s2", "oci:"+mine.Dir()+":a:latest", "docker://"+name)
	s := newStore(t)
	img, err := Pull(ctx, s, name, PullOptions{})
	require.NoError(t, err)
	require.Equal(t, registry.DockerManifest, img.Descriptor.MediaType)
	require.NoError(t, s.Tag(name, host+"/copy:1"))
	pushed, err := Push(ctx, s, host+"/copy:1", PushOptions{})
	require.NoError(t, err)
	require.Equal(t, img.Descriptor.Digest, pushed)

	// An image of ours upon it is OCI's from top to bottom.
	upon := put(t, s, "upon", img, "y=1")
	for _, layer := range upon.Manifest.Layers {
		require.Equal(t, ocispec.MediaTypeImageLayerGzip, layer.MediaType)
	}
	tool(t, "umoci", "stat", "--image", s.Dir()+":upon:latest")
}

func TestThePlatformsImageIsTakenOutOfAnIndex(t *testing.T) {
	ctx, host := context.Background(), registrytest.Start(t)
	var list []ocispec.Descriptor
	for _, platform := range []string{"arm64", "amd64", "arm/v5", "arm/v7"} {
		f := madeImage(t, []string{"arch=" + platform})
		p, err := ParsePlatform("linux/" + platform)
		require.NoError(t, err)
		f.config.Platform = p
		desc := upload(t, host, "multi", "", f)
		desc.Platform = &p
		list = append(list, desc)
	}
	index, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": registry.OCIIndex, "manifests": list})
	require.NoError(t, err)
	repo := registry.Open(host, "multi", registry.Options{Push: true})
	defer repo.Close()
	top := digest.FromBytes(index)
	require.NoError(t, repo.PutManifest(ctx, "1", registry.Manifest{MediaType: registry.OCIIndex, Digest: top, Bytes: index}))

	for platform, arch := range map[string]string{"linux/amd64": "amd64", "linux/arm64": "arm64"} {
		s := newStore(t)
		img, err := Pull(ctx, s, host+"/multi:1", PullOptions{Platform: platform})
		require.NoError(t, err)
		require.Equal(t, arch, readLayerFile(t, s, img, "arch"))
		require.Equal(t, []string{host + "/multi@" + top.String()}, img.Digests)
		again, err := s.Find(host + "/multi@" + top.String())
		require.NoError(t, err)
		require.Equal(t, img.ID, again.ID)
	}
	_, err = Pull(ctx, newStore(t), host+"/multi:1", PullOptions{Platform: "linux/s390x"})
	require.ErrorContains(t, err, "there is one for linux/arm64, linux/amd64, linux/arm/v5, linux/arm/v7")
	s := newStore(t) // one whose image changes with the platform
	for _, c := range [][2]string{{"arm/v5", "arm/v5"}, {"arm/v6", "arm/v5"}, {"arm/v7", "arm/v7"}, {"arm/v5", "arm/v5"}, {"amd64/v4", "amd64"}} {
		img, err := Pull(ctx, s, host+"/multi:1", PullOptions{Platform: "linux/" + c[0]})
		require.NoError(t, err)
		require.Equal(t, c[1], readLayerFile(t, s, img, "arch"))
	}
	_, err = Pull(ctx, newStore(t), host+"/multi@"+list[0].Digest.String(), PullOptions{Platform: "linux/amd64"})
	require.ErrorContains(t, err, "the image is for linux/arm64")
}

func TestLayersComePlainAndInZstdToo(t *testing.T) {
	host := registrytest.Start(t)
	f := madeImage(t, []string{"a=1"})
	for mediaType, pack := range map[string]func(testing.TB, []byte) []byte{
		ocispec.MediaTypeImageLayerZstd: zstdPacked,
		ocispec.MediaTypeImageLayer:     func(_ testing.TB, data []byte) []byte { return data },
	} {
		layer := tarOf(t, "b="+mediaType)
		f.config.RootFS.DiffIDs = append(f.config.RootFS.DiffIDs, digest.FromBytes(layer))
		f.manifest.Layers = append(f.manifest.Layers, f.blob(mediaType, pack(t, layer)))
	}
	upload(t, host, "kinds", "1", f)
	s := newStore(t)
	img, err := Pull(context.Background(), s, host+"/kinds:1", PullOptions{})
	require.NoError(t, err)
	require.Equal(t, f.manifest.Layers[2].MediaType, readLayerFile(t, s, img, "b"))
}

func TestTwentyPullsAtOnceFetchEachBlobOnce(t *testing.T) {
	f := madeImage(t, []string{"x=1", "big=" + noise(500_000)}, []string{"x=2"}, []string{"x=3"}, []string{"x=4"}, []string{"x=5"})
	server := serve(t, f, nil)
	s := newStore(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			own, err := OpenStore(s.Dir()) // as another process would
			if err == nil {
				_, err = Pull(context.Background(), own, server.host()+"/x:1", PullOptions{})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, layer := range f.manifest.Layers {
		require.Equal(t, 1, server.count("GET", layer.Digest.String()))
	}
	img, err := s.Find(server.host() + "/x:1")
	require.NoError(t, err)
	require.Equal(t, "5", readLayerFile(t, s, img, "x"))
	requireClean(t, s)
}

// requireClean checks that nothing is on its way in or out, nor held.
func requireClean(t *testing.T, s *Store) {
	t.Helper()
	for _, dir := range []string{"ingest", "holds", "trash"} {
		entries, err := readDir(s.path(dir))
		require.NoError(t, err)
		require.Empty(t, entries, dir)
	}
}

// Images that share layers in another order lock them in the same one.
func TestPullsThatShareLayersDoNotWaitForEachOther(t *testing.T) {
	one, two := []string{"a=" + noise(100_000)}, []string{"b=" + noise(100_000)}
	f, g := madeImage(t, one, two), madeImage(t, two, one)
	first, second := serve(t, f, nil), serve(t, g, nil)
	for range 5 {
		s := newStore(t)
		var all sync.WaitGroup
		for _, server := range []*served{first, second} {
			all.Go(func() {
				if _, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		requireClean(t, s)
	}
}
