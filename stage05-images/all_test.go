package images

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"cooper/stage05-images/registry"
	"cooper/stage05-images/registrytest"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

// said keeps what a pull says.
type said struct {
	silent
	lock  sync.Mutex
	lines string
}

func (s *said) Say(line string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.lines += line + "\n"
}

func TestAmongAllTagsWhatIsNoImageIsPassedOver(t *testing.T) {
	ctx, host := context.Background(), registrytest.Start(t)
	f := madeImage(t, []string{"x=1"})
	upload(t, host, "app", "1", f)
	repo := registry.Open(host, "app", registry.Options{Push: true})
	defer repo.Close()
	put := func(tag, mediaType string, body []byte) {
		t.Helper()
		require.NoError(t, repo.PutManifest(ctx, tag, registry.Manifest{MediaType: mediaType, Digest: digest.FromBytes(body), Bytes: body}))
	}
	signature := f.manifest
	signature.ArtifactType = "application/vnd.example.signature"
	body, err := json.Marshal(signature)
	require.NoError(t, err)
	put("signature", registry.OCIManifest, body)
	desc := upload(t, host, "app", "", f)
	elsewhere := platformed("linux/s390x", "")
	elsewhere.Digest, elsewhere.Size = desc.Digest, desc.Size
	put("s390x", registry.OCIIndex, indexOf(t, elsewhere))

	s, progress := newStore(t), &said{}
	require.NoError(t, PullAll(ctx, s, host+"/app", PullOptions{Progress: progress}))
	img, err := s.Find(host + "/app:1")
	require.NoError(t, err)
	require.Equal(t, []string{host + "/app:1"}, img.Names)
	require.Contains(t, progress.lines, fmt.Sprintf("signature: Passed over: pull %s/app:signature: ", host))
	require.Contains(t, progress.lines, "s390x: Passed over: ")
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))

	_, err = PushAll(ctx, s, host+"/nothing", PushOptions{})
	require.ErrorIs(t, err, ErrNotFound)
	err = PullAll(ctx, newStore(t), host+"/nothing", PullOptions{})
	require.ErrorIs(t, err, registry.ErrNotFound)
}
