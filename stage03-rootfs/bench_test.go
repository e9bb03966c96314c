package rootfs

import (
	"slices"
	"testing"
	"time"

	namespaces "cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
)

// BenchmarkEnterAndConfine measures what this stage adds to a container's
// start: from its first step inside to the exec, as the child's own clock has
// it, the time for telling of each step included. The whole start is the
// benchmark's ns/op.
//
//	go test -run - -bench . -benchtime 200x ./stage03-rootfs
func BenchmarkEnterAndConfine(b *testing.B) {
	s := box(b, "/bin/true")
	s.Explain = true
	var inside []time.Duration
	for b.Loop() {
		var began time.Time
		p := &namespaces.Process{Watch: func(e namespaces.Event) {
			switch e.Step {
			case "rootfs/umask":
				began = e.Time
			case "namespaces/exec":
				inside = append(inside, e.Time.Sub(began))
			}
		}}
		outside := Outside(s, p)
		require.NoError(b, namespaces.Launch(p, outside))
		_, err := p.Wait()
		require.NoError(b, err)
		require.NoError(b, namespaces.Undo(outside))
		require.NoError(b, p.Close())
	}
	slices.Sort(inside)
	b.ReportMetric(float64(inside[len(inside)/2].Microseconds()), "µs/root-median")
	b.ReportMetric(float64(inside[0].Microseconds()), "µs/root-min")
}
