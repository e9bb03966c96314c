package images

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Several processes load one archive, while others collect and take the names
// away: nobody loses what he counts on.
func TestLoadsAtOnceShareTheStoreWithThoseWhoRemove(t *testing.T) {
	here := newStore(t)
	put(t, here, "app", put(t, here, "base", nil, "x=1"), "x=2", "y="+noise(300_000))
	for name, archive := range map[string][]byte{
		"ours":           saved(t, here, "app", "base"),
		"Docker's older": dockerArchive(t, func(list []archived, _ *Config) { list[0].RepoTags = []string{"app:latest"} }, tarOf(t, "x=1"), tarOf(t, "x=2", "y="+noise(300_000))),
	} {
		t.Run(name, func(t *testing.T) { loadAndRemove(t, archive) })
	}
}

func loadAndRemove(t *testing.T, archive []byte) {
	dir := newStore(t).Dir()
	var loads, removals sync.WaitGroup
	done := make(chan struct{})
	for range 6 {
		loads.Go(func() {
			s := must(OpenStore(dir)) // as another process would
			for range 3 {
				if _, err := s.Load(context.Background(), bytes.NewReader(archive), nil); err != nil {
					t.Error(err)
				}
			}
		})
	}
	removals.Go(func() {
		s := must(OpenStore(dir))
		for {
			select {
			case <-done:
				return
			default:
			}
			_, err := s.Remove("app", true)
			if err != nil && !errors.Is(err, ErrNotFound) {
				t.Error(err)
			}
			if err := s.Collect(); err != nil {
				t.Error(err)
			}
		}
	})
	loads.Wait()
	close(done)
	removals.Wait()
	s := must(OpenStore(dir))
	list := loaded(t, s, archive)
	found, err := s.Find("app")
	require.NoError(t, err)
	require.Equal(t, list[0].ID, found.ID)
	require.NoError(t, s.Check(context.Background(), found))
	require.Equal(t, "2", readLayerFile(t, s, found, "x"))
	requireClean(t, s)
}

// What the store had when it was looked at may be gone when it is counted on:
// then the archive has it.
func TestALoadCountsOnNothingThatHasJustBeenRemoved(t *testing.T) {
	for name, change := range map[string]func(list []archived, config *Config){
		"the image":  nil,
		"its layers": func(_ []archived, config *Config) { config.Author = "another image of these" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			layer := tarOf(t, "x=1")
			put(t, s, "packed", nil, "x=1") // the layer is a gzip here
			loaded(t, s, dockerArchive(t, nil, layer))
			hold, err := s.hold()
			require.NoError(t, err)
			defer hold.release()
			m := newMembers(s, hold, silent{})
			defer m.abandon()
			require.NoError(t, m.read(t.Context(), bytes.NewReader(dockerArchive(t, change, layer))))
			list, err := m.dockerList()
			require.NoError(t, err)
			known := s.knownLayers()
			for _, image := range []string{"packed", "old:1"} {
				_, err = s.Remove(image, false)
				require.NoError(t, err)
			}
			p, err := m.dockerParcel(list[0], known)
			require.NoError(t, err)
			require.NoError(t, m.bring(t.Context(), []*parcel{p}))
			require.NoError(t, s.Check(t.Context(), newImage(p.desc, p.manifest, p.config)))
		})
	}
}
