package shim

import (
	"os"
	"path/filepath"
	"testing"

	"cooper/stage06-network"

	"github.com/stretchr/testify/require"
)

func TestAShimThatStepsBackSetsTheContainersScore(t *testing.T) {
	const file = "oom_score_adj"
	low := -500
	for _, c := range []struct{ asked, want *int }{{nil, new(int)}, {&low, &low}} {
		proc := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(proc, file), []byte("0"), 0o600))
		spec := new(network.Spec)
		spec.OOMScoreAdj = c.asked
		stepBack(proc, spec)
		require.Equal(t, c.want, spec.OOMScoreAdj)
		score, err := os.ReadFile(filepath.Join(proc, file))
		require.NoError(t, err)
		require.Equal(t, "-999", string(score))

		// Where the kernel refuses, all goes on as it was.
		spec.OOMScoreAdj = c.asked
		stepBack(filepath.Join(proc, "nothing"), spec)
		require.Equal(t, c.asked, spec.OOMScoreAdj)
	}
}
