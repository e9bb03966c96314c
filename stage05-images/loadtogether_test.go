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
	img := put(t, here, "app", put(t, here, "base", nil, "x=1"), "x=2", "y="+noise(300_000))
	archive := saved(t, here, "app", "base")
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
	loaded(t, s, archive)
	found, err := s.Find("app")
	require.NoError(t, err)
	require.Equal(t, img.ID, found.ID)
	require.NoError(t, s.Check(context.Background(), found))
	require.Equal(t, "2", readLayerFile(t, s, found, "x"))
	requireClean(t, s)
}
