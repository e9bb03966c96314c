package images

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

// Pushes, deletions and sweeps of two processes at once, with a few blobs that
// all of them want. A push may be refused then, as its blob was swept before
// the manifest came; but what was accepted is whole at every moment.
func TestNoManifestHasHolesWhateverHappensAtOnce(t *testing.T) {
	dir := t.TempDir()
	processes := []*Registry{newRegistry(t, dir), newRegistry(t, dir)}
	deadline := time.Now().Add(3 * time.Second)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			r := processes[i%2]
			for n := 0; time.Now().Before(deadline); n++ {
				if err := pushOne(r, fmt.Sprintf("layer %d", rand.IntN(5)), fmt.Sprintf("t%d", i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i, r := range processes {
		all.Go(func() {
			pace := time.NewTicker(50 * time.Millisecond)
			defer pace.Stop()
			for later := time.Now(); time.Now().Before(deadline); <-pace.C {
				if i == 0 { // one of them ages quickly, so that pledges are forgotten under the pushes
					later = later.Add(generation / 4)
				}
				if err := r.Tidy(later); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	whole(t, processes[0])
	require.NoError(t, processes[0].Close())
	require.NoError(t, processes[1].Close())
	whole(t, newRegistry(t, dir))
}

// pushOne uploads a layer, names it, and sometimes deletes the manifest.
func pushOne(r *Registry, layer, tag string) error {
	ctx, d := context.Background(), digest.FromString(layer)
	if _, err := r.Promise("a", d); err != nil {
		u, err := r.Begin(ctx, "a")
		if err == nil {
			err = u.Append(ctx, -1, strings.NewReader(layer))
		}
		if err == nil {
			err = u.Finish(ctx, d)
		}
		if err != nil {
			return err
		}
	}
	body := fmt.Sprintf(`{"schemaVersion":2,"config":{"digest":"%s","size":%d},"note":"%s"}`, d, len(layer), tag)
	desc, _, err := r.PutManifest(ctx, "a", []string{tag}, registry.OCIManifest, []byte(body))
	if err == nil && rand.IntN(2) == 0 {
		err = r.DeleteManifest("a", desc.Digest.String())
	}
	if no, ok := err.(*Refusal); ok && (no.Code == ManifestBlobUnknown || no.Code == ManifestUnknown) {
		return nil
	}
	return err
}

// whole looks whether all that the manifests name is there.
func whole(t *testing.T, r *Registry) {
	t.Helper()
	all, err := r.catalogue()
	require.NoError(t, err)
	require.NoError(t, all.damaged)
	for d := range all.needed {
		require.FileExists(t, r.store.blobPath(d))
	}
}
