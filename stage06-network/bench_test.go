package network

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	namespaces "cooper/stage01-namespaces"
)

// What one more container with one port costs, beside one that has many: the
// time must not grow with them.
func BenchmarkConnect(b *testing.B) {
	for _, published := range []int{0, 100, 1000} {
		b.Run(fmt.Sprintf("beside %d published ports", published), func(b *testing.B) {
			w := newWorld(b)
			crowd := w.bridged(b)
			if published > 0 {
				crowd = w.bridged(b, fmt.Sprintf("20001-%d:1-%d", 20000+published, published))
			}
			connected(b, crowd)
			c := newPlace(b)
			var there, back []time.Duration
			for b.Loop() {
				s := w.bridged(b, "8080:80")
				steps := Connect(s, &namespaces.Process{Pid: c.pid})
				began := time.Now()
				require.NoError(b, namespaces.Take(steps, nil))
				done := time.Now()
				require.NoError(b, namespaces.Undo(steps))
				there, back = append(there, done.Sub(began)), append(back, time.Since(done))
			}
			b.ReportMetric(median(there), "µs/connect")
			b.ReportMetric(median(back), "µs/undo")
		})
	}
}

// median is in microseconds; on a machine that does other work too, the mean
// would say more of that.
func median(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)/2].Microseconds())
}

// connected holds a container's network until the benchmark ends.
func connected(b *testing.B, s *Spec) {
	steps := Connect(s, &namespaces.Process{Pid: newPlace(b).pid})
	require.NoError(b, namespaces.Take(steps, nil))
	b.Cleanup(func() { require.NoError(b, namespaces.Undo(steps)) })
}

// What a start pays to learn who holds its ports, where nearly always nobody does.
func BenchmarkHolders(b *testing.B) {
	for _, published := range []int{1, 1000} {
		b.Run(fmt.Sprintf("beside %d published ports", published), func(b *testing.B) {
			w := newWorld(b)
			connected(b, w.bridged(b, fmt.Sprintf("20001-%d:1-%d", 20000+published, published)))
			s := w.bridged(b, "8080:80")
			for b.Loop() {
				holders, err := s.Holders()
				require.NoError(b, err)
				require.Empty(b, holders)
			}
		})
	}
}
