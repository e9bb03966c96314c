package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

// Everybody does anything to the same three names at once. Nobody waits for
// ever, nothing but the expected refusals comes out, and nothing stays.
func TestManyAtOnceOnFewNames(t *testing.T) {
	b := newBench(t)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(worker), 7))
			for range 12 {
				if err := b.anything(t, dice); err != nil {
					t.Errorf("worker %d: %v", worker, err)
				}
			}
		})
	}
	wg.Wait()
	b.removeAll(t)
	removed, err := b.Cleanup(t.Context())
	require.NoError(t, err)
	require.Empty(t, removed)
}

func (b *bench) anything(t *testing.T, dice *rand.Rand) error {
	name := fmt.Sprintf("n%d", dice.IntN(3))
	var err error
	switch dice.IntN(6) {
	case 0, 1:
		o := options("sleep", "1000")
		o.Name, o.AutoRemove = name, dice.IntN(2) == 0
		_, err = b.Run(t.Context(), o, engine.StartOptions{})
	case 2:
		err = b.Remove(t.Context(), name, engine.RemoveOptions{Force: true})
	case 3:
		err = b.Kill(t.Context(), name, "KILL")
	case 4:
		_, err = b.Start(t.Context(), name, engine.StartOptions{})
	case 5:
		_, err = b.List(true)
	}
	for _, expected := range []error{engine.ErrConflict, engine.ErrNotFound, engine.ErrNotRunning} {
		if errors.Is(err, expected) {
			return nil
		}
	}
	return err
}
