package namespaces

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStepsThatNobodyWatchesAllocateNothing(t *testing.T) {
	steps := []Step{{Name: "a/b", Why: "because", Do: func() error { return nil }}, {Name: "a/c", Why: "so"}}
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = Take(steps, nil) }))
}

func BenchmarkLaunch(b *testing.B) {
	for b.Loop() {
		launchOnce(b, everything("true"))
	}
}

// BenchmarkJoin is exec: a door, and no namespace to make.
func BenchmarkJoin(b *testing.B) {
	target := start(b, everything("sleep", "1000"))
	for b.Loop() {
		launchOnce(b, &Spec{Args: []string{"true"}, Env: []string{"PATH=" + DefaultPath}, Target: target.Pid})
	}
}

func launchOnce(b *testing.B, s *Spec) {
	p := &Process{}
	if err := Launch(p, Outside(s, p)); err != nil {
		b.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		b.Fatal(err)
	}
	if err := p.Close(); err != nil {
		b.Fatal(err)
	}
}
