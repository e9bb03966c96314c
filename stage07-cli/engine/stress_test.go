package engine_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

// scaled is how much of a long test is done: a part on an emulated machine, which
// says so by COOPER_STRESS=part.
func scaled(part, full int) int {
	if os.Getenv("COOPER_STRESS") == "part" {
		return part
	}
	return full
}

func TestManyStartsInARowLeaveNoTrace(t *testing.T) {
	b := newBench(t)
	begin, n := time.Now(), scaled(60, 500)
	for i := range n {
		o := options("echo", fmt.Sprint(i))
		o.AutoRemove = true
		require.Equal(t, result{out: fmt.Sprintf("%d\n", i)}, b.finished(t, o, ""))
	}
	t.Logf("%d containers in a row: %v each", n, time.Since(begin)/time.Duration(n))
	b.mustBeTidy(t)
}

// On the bridge, which they share, and with an address each.
func TestManyStartsAtOnceLeaveNoTrace(t *testing.T) {
	b := newBench(t)
	begin, n := time.Now(), scaled(30, 100)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			o := options("sh", "-c", fmt.Sprintf("echo %d; exec sleep 1000", i))
			o.Network = "bridge"
			s, err := b.Run(t.Context(), o, engine.StartOptions{})
			if err == nil {
				err = b.Remove(t.Context(), s.ID, engine.RemoveOptions{Force: true})
			}
			if err != nil {
				t.Errorf("container %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	t.Logf("%d containers at once, started and removed: %v", n, time.Since(begin))
	b.mustBeTidy(t)
}

// mustBeTidy proves that nothing but the bridge is left for Cleanup to remove.
func (b *bench) mustBeTidy(t *testing.T) {
	list, err := b.List(true)
	require.NoError(t, err)
	require.Empty(t, list)
	removed, err := b.Cleanup(t.Context())
	require.NoError(t, err)
	for _, what := range removed {
		require.Contains(t, what, "the bridge")
	}
}

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
