package engine_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

func TestFollowingTheLogOverRotationMissesNothing(t *testing.T) {
	b := newBench(t)
	o := options("sh", "-c", `i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done`)
	o.Log = engine.LogOptions{MaxSize: 200 << 10, MaxFiles: 3} // about six rotations
	id := b.started(t, o)
	var all bytes.Buffer
	require.NoError(t, b.Logs(t.Context(), id, engine.LogsOptions{Follow: true, Tail: -1, Out: &all}))
	lines := strings.Split(strings.TrimSuffix(all.String(), "\n"), "\n")
	first := 0
	_, err := fmt.Sscanf(lines[0], "line %d", &first)
	require.NoError(t, err)
	for i, line := range lines {
		require.Equal(t, fmt.Sprintf("line %d", first+i), line, "every line once, in order")
	}
	require.Equal(t, "line 19999", lines[len(lines)-1])
	require.Equal(t, 0, first, "the follower was there from the start")
}

func TestLogsAreByteExact(t *testing.T) {
	b := newBench(t)
	script := `printf '{"log":"fake","stream":"stderr"}\n'; printf 'nul\000 bad\377\376 \342\200\250 tab\t"\\\n'; head -c 40000 /dev/zero | tr '\0' x; printf '\nend'`
	r := b.finished(t, options("sh", "-c", script), "")
	var logged bytes.Buffer
	list, err := b.List(true)
	require.NoError(t, err)
	require.NoError(t, b.Logs(t.Context(), list[0].ID, engine.LogsOptions{Tail: -1, Out: &logged, Err: &logged}))
	require.True(t, r.out == logged.String(), "the log holds what came out, to the byte")
	require.Contains(t, r.out, "nul\x00 bad\xff\xfe \u2028 tab\t\"\\\n")
	require.Len(t, strings.Split(r.out, "\n"), 4)
}

func TestLogsCanBeCut(t *testing.T) {
	b := newBench(t)
	id := b.started(t, options("sh", "-c", "for i in 1 2 3; do echo out $i; done; echo err >&2"))
	_, err := b.Wait(t.Context(), id)
	require.NoError(t, err)
	logs := func(o engine.LogsOptions) string {
		var out bytes.Buffer
		o.Out, o.Err = &out, &out
		require.NoError(t, b.Logs(t.Context(), id, o))
		return out.String()
	}
	require.Len(t, strings.Split(strings.TrimSpace(logs(engine.LogsOptions{Tail: 2})), "\n"), 2)
	require.Empty(t, logs(engine.LogsOptions{Tail: 0}))
	require.Empty(t, logs(engine.LogsOptions{Tail: -1, Since: time.Now().Add(time.Hour).Format(time.RFC3339)}))
	require.Empty(t, logs(engine.LogsOptions{Tail: -1, Until: "1h"}))
	require.NotEmpty(t, logs(engine.LogsOptions{Tail: -1, Since: "1h"}))
	stamp, _, _ := strings.Cut(logs(engine.LogsOptions{Tail: 1, Timestamps: true}), " ")
	_, err = time.Parse(time.RFC3339Nano, stamp)
	require.NoError(t, err)
	require.ErrorIs(t, b.Logs(t.Context(), id, engine.LogsOptions{Since: "yesterday"}), engine.ErrInvalid)
}
