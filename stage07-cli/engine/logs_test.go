package engine_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

// The writer goes on as soon as the follower has seen what it wrote: a follower
// that falls behind by all the files that are kept can't but miss lines.
func TestFollowingTheLogOverRotationMissesNothing(t *testing.T) {
	b := newBench(t)
	const bursts, lines = 20, 1000
	o := options("sh", "-c", `i=0; while read go; do n=0; while [ $n -lt 1000 ]; do echo line $i; i=$((i+1)); n=$((n+1)); done; done`)
	o.Stdin, o.StdinOnce = true, true
	o.Log = engine.LogOptions{MaxSize: 200 << 10, MaxFiles: 3} // each rotation is two bursts away
	in, typed := io.Pipe()
	s := b.attend(t, o, engine.Streams{In: in})
	follow, ended := newTap(), make(chan error, 1)
	go func() {
		ended <- b.Logs(t.Context(), s.ID, engine.LogsOptions{Follow: true, Tail: -1, Out: follow})
	}()
	var want strings.Builder
	for burst := range bursts {
		_, err := typed.Write([]byte("go\n"))
		require.NoError(t, err)
		for i := range lines {
			fmt.Fprintf(&want, "line %d\n", burst*lines+i)
		}
		follow.await(t, fmt.Sprintf("line %d\n", (burst+1)*lines-1))
	}
	require.NoError(t, typed.Close())
	require.Zero(t, s.end(t).code)
	require.NoError(t, <-ended, "the follower ends with the container")
	require.True(t, want.String() == follow.String(), "every line once, in order")
	require.FileExists(t, filepath.Join(b.root, "containers", s.ID, "log.2"), "it was rotated")
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
