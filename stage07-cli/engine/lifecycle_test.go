package engine_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

func TestExitStatusAndStreamsAreExact(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name string
		args []string
		want result
	}{
		{"success", []string{"true"}, result{}},
		{"failure", []string{"sh", "-c", "exit 7"}, result{code: 7}},
		{"two streams", []string{"sh", "-c", "echo out; echo err >&2"}, result{out: "out\n", err: "err\n"}},
		{"arguments aren't joined", []string{"printf", "%s|", "a b", "", "c'd"}, result{out: "a b||c'd|"}},
		{"output without a last newline", []string{"printf", "x"}, result{out: "x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(c.args...)
			o.AutoRemove = true
			require.Equal(t, c.want, b.finished(t, o, ""))
		})
	}
	list, err := b.List(true)
	require.NoError(t, err)
	require.Empty(t, list, "--rm leaves nothing")
}

func TestAContainerGoesThroughItsLife(t *testing.T) {
	b := newBench(t)
	o := options("sleep", "1000")
	o.Name = "web"
	id, err := b.Create(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, "created", b.state(t, "web").Status)

	code, err := b.Wait(t.Context(), id)
	require.NoError(t, err)
	require.Zero(t, code, "a container that never ran has nothing to wait for")

	_, err = b.Start(t.Context(), id[:8], engine.StartOptions{})
	require.NoError(t, err)
	state := b.state(t, id)
	require.True(t, state.Running)
	require.NotZero(t, state.Pid)
	require.NotZero(t, state.ShimPid)
	_, err = b.Start(t.Context(), id, engine.StartOptions{})
	require.NoError(t, err, "starting what runs is no error")

	list, err := b.List(false)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, "running", list[0].State)
	require.True(t, strings.HasPrefix(list[0].Status, "Up "), list[0].Status)

	err = b.Remove(t.Context(), "web", engine.RemoveOptions{})
	require.ErrorIs(t, err, engine.ErrConflict)
	require.ErrorContains(t, err, "You cannot remove a running container")

	limit := time.Duration(0)
	require.NoError(t, b.Stop(t.Context(), "web", &limit))
	require.Equal(t, 137, b.state(t, id).ExitCode)
	require.NoError(t, b.Stop(t.Context(), "web", nil), "stopping what is stopped is no error")
	require.ErrorIs(t, b.Kill(t.Context(), "web", "TERM"), engine.ErrNotRunning)
	_, err = b.Exec(t.Context(), "web", engine.ExecOptions{Args: []string{"true"}})
	require.ErrorIs(t, err, engine.ErrNotRunning)

	_, err = b.Start(t.Context(), "web", engine.StartOptions{})
	require.NoError(t, err, "and it starts again")
	require.NoError(t, b.Kill(t.Context(), "web", "SIGKILL"))
	require.NoError(t, b.Remove(t.Context(), "web", engine.RemoveOptions{}))
	require.ErrorIs(t, b.Remove(t.Context(), "web", engine.RemoveOptions{}), engine.ErrNotFound)
}

func TestAStartThatFailsLeavesNothing(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct {
		name string
		o    engine.CreateOptions
		code int
		text string
	}{
		{"a missing command", options("nothere"), 127, "executable file not found in $PATH"},
		{"a directory as command", options("/bin"), 126, "permission denied"},
		{"a missing image", engine.CreateOptions{Image: "nothere", Args: []string{"true"}}, 125, "No such image: nothere"},
		{"a bad name", engine.CreateOptions{Image: "base", Name: "../x", Args: []string{"true"}}, 125, "Invalid container name"},
		{"a bad user", engine.CreateOptions{Image: "base", User: "nobodyhere", Args: []string{"true"}, Network: "none"}, 125, "nobodyhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.AutoRemove = true
			_, err := b.Run(t.Context(), c.o, engine.StartOptions{})
			require.ErrorContains(t, err, c.text)
			require.Equal(t, c.code, engine.ExitCode(err))
		})
	}
	list, err := b.List(true)
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestOfFiftyAtOnceExactlyOneGetsTheName(t *testing.T) {
	b := newBench(t)
	var wg sync.WaitGroup
	errs := make([]error, 50)
	for i := range errs {
		wg.Go(func() {
			o := options("true")
			o.Name = "only"
			_, errs[i] = b.Create(t.Context(), o)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, engine.ErrConflict)
		require.ErrorContains(t, err, `The container name "/only" is already in use by container`)
	}
	require.Equal(t, 1, won)
	list, err := b.List(true)
	require.NoError(t, err)
	require.Len(t, list, 1)
}

func TestStopKillsWhatIgnoresTheSignal(t *testing.T) {
	b := newBench(t)
	s := b.attend(t, options("sh", "-c", `trap "" TERM; echo ready; while :; do sleep 1; done`), engine.Streams{})
	s.out.await(t, "ready")
	begin := time.Now()
	limit := time.Second
	require.NoError(t, b.Stop(t.Context(), s.ID, &limit))
	require.GreaterOrEqual(t, time.Since(begin), limit)
	require.Less(t, time.Since(begin), limit+3*time.Second)
	require.Equal(t, 137, s.end(t).code)
	require.Equal(t, 137, b.state(t, s.ID).ExitCode)
}

func TestStopLetsTheCommandEndByItself(t *testing.T) {
	b := newBench(t)
	s := b.attend(t, options("sh", "-c", `trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done`), engine.Streams{})
	s.out.await(t, "ready")
	require.NoError(t, b.Stop(t.Context(), s.ID, nil))
	require.Equal(t, 3, s.end(t).code)
	code, err := b.Wait(t.Context(), s.ID)
	require.NoError(t, err)
	require.Equal(t, 3, code)
}
