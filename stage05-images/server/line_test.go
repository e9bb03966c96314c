package server

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"testing"

	images "cooper/stage05-images"
	"cooper/stage05-images/registry"
	"cooper/stage05-images/registrytest"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// random returns bytes that no compression makes fewer, the same every time.
func random(n int) []byte {
	source := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(source.Uint32())
	}
	return data
}

// On a line that breaks, nothing is carried twice, but for what was on its way.
func TestABadLineCostsNoByteTwice(t *testing.T) {
	const size, slack = 8_000_000, 2_000_000
	s := start(t, t.TempDir(), nil)
	data := random(size)
	desc := ocispec.Descriptor{Digest: digest.FromBytes(data), Size: size}

	line := registrytest.StartLine(t, s.host, 7, 1_000_000)
	r := registry.Open(line.Host, "x", registry.Options{Push: true})
	defer r.Close()
	_, err := r.Upload(context.Background(), registry.Content{Descriptor: desc, Open: func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data[offset:])), nil
	}})
	require.NoError(t, err)
	require.Less(t, line.Carried(), int64(size+slack), "the upload began anew")

	line = registrytest.StartLine(t, s.host, 7, 1_000_000)
	r = registry.Open(line.Host, "x", registry.Options{})
	defer r.Close()
	blob := r.Blob(context.Background(), desc, 0)
	defer blob.Close()
	got, err := io.ReadAll(blob)
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got))
	require.Less(t, line.Carried(), int64(size+slack), "the download began anew")
}

// docker-registry forgets what a broken upload brought, but not what it has.
func TestAnImageComesThroughABadLineToAnotherRegistryToo(t *testing.T) {
	line := registrytest.StartLine(t, registrytest.Start(t), 2, 300_000)
	mine, yours := newStore(t), newStore(t)
	img := newImage(t, mine, line.Host+"/me/app:1", "big", string(random(1_000_000)))
	_, err := images.Push(context.Background(), mine, line.Host+"/me/app:1", images.PushOptions{})
	require.NoError(t, err)
	line = registrytest.StartLine(t, line.Host, 2, 300_000)
	got, err := images.Pull(context.Background(), yours, line.Host+"/me/app:1", images.PullOptions{})
	require.NoError(t, err)
	require.Equal(t, img.ID, got.ID)
}
