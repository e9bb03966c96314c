package images

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// Each of the indexes lists the next one ten times, which a collector must not
// follow on all ways: there are as many as the number has digits.
func TestIndexesThatListEachOtherAreReadOnceEach(t *testing.T) {
	s := newStore(t)
	img := put(t, s, "a", nil, "x=1")
	desc := img.Descriptor
	for range 30 {
		index := ocispec.Index{MediaType: registry.OCIIndex}
		index.SchemaVersion = 2
		for range 10 {
			index.Manifests = append(index.Manifests, desc)
		}
		body, err := json.Marshal(index)
		require.NoError(t, err)
		desc = ocispec.Descriptor{MediaType: registry.OCIIndex, Digest: digest.FromBytes(body), Size: int64(len(body))}
		require.NoError(t, os.WriteFile(s.blobPath(desc.Digest), body, 0o600))
	}
	require.NoError(t, s.update(func(index *ocispec.Index) error {
		index.Manifests = []ocispec.Descriptor{desc}
		return nil
	}))
	done := make(chan error, 1)
	go func() { done <- s.Collect() }()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		require.Fail(t, "the collector walks all ways")
	}
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))
	require.NoError(t, s.checkBlob(t.Context(), img.Manifest.Layers[0]))
}

func TestAHoldThatAFullDiskCutOffGoesOnWithTheNextDigest(t *testing.T) {
	s := newStore(t)
	img := put(t, s, "a", nil, "x=1")
	h, err := s.hold()
	require.NoError(t, err)
	defer h.release()
	_, err = h.file.WriteString("sha256:0123")
	require.NoError(t, err)
	require.NoError(t, h.add(img.ID))
	_, err = s.Remove("a", false)
	require.NoError(t, err)
	require.FileExists(t, s.blobPath(img.ID))
}

func TestWithAHoldThatCannotBeReadNothingIsCollected(t *testing.T) {
	s := newStore(t)
	img := put(t, s, "a", nil, "x=1")
	h, err := s.hold(digest.Digest(strings.Repeat("x", bufio.MaxScanTokenSize)), img.ID)
	require.NoError(t, err)
	_, err = s.Remove("a", false)
	require.ErrorIs(t, err, bufio.ErrTooLong)
	require.FileExists(t, s.blobPath(img.ID))
	h.release()
	require.NoError(t, s.Collect())
	require.NoFileExists(t, s.blobPath(img.ID))
}
