package engine_test

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"cooper/stage03-rootfs"
	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

// When memory runs out, the kernel takes the container and not its shim, where
// we may ask for that; and a container can't ask for it.
func TestTheShimIsAWorseVictimThanItsContainer(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	own, err := os.ReadFile("/proc/self/oom_score_adj")
	require.NoError(t, err)
	held, err := rootfs.HeldCapabilities()
	require.NoError(t, err)
	ours, theirs := string(own), string(own)
	if slices.Contains(held, "CAP_SYS_RESOURCE") {
		ours, theirs = "-999\n", "0\n"
	}
	score := func(pid int) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
		require.NoError(t, err)
		return string(text)
	}
	high := 500
	for _, c := range []struct {
		asked *int
		want  string
	}{{nil, theirs}, {&high, "500\n"}} {
		o := options("sleep", "1000")
		o.OOMScoreAdj = c.asked
		id := b.started(t, o)
		require.Equal(t, ours, score(b.state(t, id).ShimPid))
		require.Equal(t, c.want, score(b.state(t, id).Pid))
		require.Equal(t, c.want, b.execed(t, id, "cat", "/proc/self/oom_score_adj"), "an exec, too")
		require.Equal(t, "refused\n", b.execed(t, id, "sh", "-c", "echo -1 2>/dev/null >/proc/self/oom_score_adj || echo refused"))
	}
}

// S24: what is recorded is that the container met its limit, whether or not it
// outlived that, as Docker does; of the next run it isn't true any more.
func TestAnOOMKillIsRecordedOfTheRunThatHadIt(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	for script, code := range map[string]int{
		"exec tail /dev/zero":  137,
		"tail /dev/zero; true": 0, // a child of the first process
	} {
		o := options("sh", "-c", "test -e /met && exit; : > /met; "+script)
		o.Limits = engine.Limits{Memory: 16 << 20, MemorySwap: 16 << 20}
		id := b.started(t, o)
		got, err := b.Wait(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, code, got, script)
		require.True(t, b.state(t, id).OOMKilled, script)

		_, err = b.Start(t.Context(), id, engine.StartOptions{})
		require.NoError(t, err)
		_, err = b.Wait(t.Context(), id)
		require.NoError(t, err)
		require.False(t, b.state(t, id).OOMKilled, script)
	}
}
