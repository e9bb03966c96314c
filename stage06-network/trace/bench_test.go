package trace

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"cooper/stage01-namespaces/notrace"
)

// Most of it is the kernel's: a table is removed after a grace period of RCU.
func BenchmarkTrace(b *testing.B) {
	notrace.Check(b)
	l := newLab(b)
	nft(b, masquerade)
	l.outside.serve(b, ":7")
	for b.Loop() {
		report, err := Run(context.Background(), l.probe("198.51.100.2", 7, "tcp"))
		require.NoError(b, err)
		require.Equal(b, Answered, report.Result)
	}
}
