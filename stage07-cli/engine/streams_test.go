package engine_test

import (
	"bytes"
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"
	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

func TestInputEndsOnceAndOutputGoesOn(t *testing.T) {
	b := newBench(t)
	o := options("sh", "-c", "cat; echo after the end")
	o.Stdin = true
	require.Equal(t, result{out: "hello\nafter the end\n"}, b.finished(t, o, "hello\n"))
	big := strings.Repeat("0123456789abcdef", 1<<16) // more than any pipe holds
	o = options("cat")
	o.Stdin = true
	require.Equal(t, big, b.finished(t, o, big).out)
	require.Empty(t, b.finished(t, options("cat"), "").out, "without -i the input is empty")
}

func TestOutputOfMegabytesComesWhole(t *testing.T) {
	b := newBench(t)
	r := b.finished(t, options("sh", "-c", "yes aaaaaaaa | head -c 20000000"), "")
	require.Len(t, r.out, 20_000_000)
	var logged bytes.Buffer
	list, err := b.List(true)
	require.NoError(t, err)
	require.NoError(t, b.Logs(t.Context(), list[0].ID, engine.LogsOptions{Tail: -1, Out: &logged}))
	require.True(t, strings.HasSuffix(r.out, logged.String()), "the log keeps the last part of it")
}

func TestDetachKeysLeaveTheContainer(t *testing.T) {
	b := newBench(t)
	o := options("cat")
	o.Stdin, o.Terminal = true, true
	in, typed := io.Pipe()
	s := b.attend(t, o, engine.Streams{In: in, DetachKeys: "ctrl-p,ctrl-q"})
	_, _ = typed.Write([]byte("hello\n"))
	s.out.await(t, "hello\r\nhello\r\n")
	_, _ = typed.Write([]byte{'p' & 0x1f})
	_, _ = typed.Write([]byte{'q' & 0x1f})
	require.Equal(t, "detached", s.end(t).err)
	require.True(t, b.state(t, s.ID).Running)

	again, retyped := io.Pipe()
	out := newTap()
	session, err := b.Attach(t.Context(), s.ID, engine.Streams{In: again, Out: out})
	require.NoError(t, err)
	a := &attended{Session: session, out: out, ended: make(chan result, 1)}
	go a.wait()
	_, _ = retyped.Write([]byte("back\n"))
	out.await(t, "back\r\nback\r\n")
	_, _ = retyped.Write([]byte{4}) // ^D
	require.Zero(t, a.end(t).code)
}

func TestATerminalHasTheClientsSize(t *testing.T) {
	b := newBench(t)
	o := options("sh", "-c", `stty size; echo ready; while read x; do stty size; done; sleep 1000`)
	o.Stdin, o.Terminal = true, true
	sizes := make(chan namespaces.WindowSize, 1)
	sizes <- namespaces.WindowSize{Height: 24, Width: 81}
	in, typed := io.Pipe()
	defer typed.Close()
	s := b.attend(t, o, engine.Streams{In: in, Resize: sizes})
	s.out.await(t, "24 81")
	s.out.await(t, "ready")
	for range 1000 {
		select {
		case sizes <- namespaces.WindowSize{Height: 50, Width: 100}:
		default:
		}
	}
	sizes <- namespaces.WindowSize{Height: 33, Width: 99}
	defer typeLines(typed)() // each makes the command look again
	s.out.await(t, "33 99")
	require.NoError(t, b.Kill(t.Context(), s.ID, "KILL"))
	require.Equal(t, 137, s.end(t).code)
}

// typeLines types empty lines until it is told to stop.
func typeLines(in io.Writer) (stop func()) {
	ticker, done := time.NewTicker(10*time.Millisecond), make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				_, _ = in.Write([]byte("\n"))
			}
		}
	}()
	return func() {
		ticker.Stop()
		close(done)
	}
}

func TestSignalsReachTheCommandBesideUnreadInput(t *testing.T) {
	b := newBench(t)
	o := options("sh", "-c", `trap "exit 9" USR1; echo ready; while :; do sleep 0.05; done`)
	o.Stdin, o.StdinOnce = true, true
	s := b.attend(t, o, engine.Streams{In: endless{}})
	s.out.await(t, "ready")
	require.NoError(t, s.Signal(10)) // SIGUSR1
	require.Equal(t, 9, s.end(t).code)
}

// endless is input without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestExecIsACommandOfTheContainer(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	o := options("sleep", "1000")
	o.Env, o.User, o.Cwd, o.Hostname = []string{"WHO=container"}, "1234:99", "/tmp", "inside"
	id := b.started(t, o)
	require.Equal(t, "container\n", b.execed(t, id, "sh", "-c", "echo $WHO"))
	require.Equal(t, "1234\n", b.execed(t, id, "id", "-u"))
	require.Equal(t, "/tmp\n", b.execed(t, id, "pwd"))
	require.Equal(t, "inside\n", b.execed(t, id, "hostname"))
	require.Contains(t, b.execed(t, id, "ps"), "sleep 1000")
	var out bytes.Buffer
	s, err := b.Exec(t.Context(), id, engine.ExecOptions{
		Args: []string{"sh", "-c", "id -u; pwd; echo $WHO; cat; exit 5"}, Env: []string{"WHO=exec"}, User: "0", Cwd: "/bin",
		Stdin: true, Attach: &engine.Streams{In: strings.NewReader("input\n"), Out: &out},
	})
	require.NoError(t, err)
	end, err := s.Wait()
	require.NoError(t, err)
	require.Equal(t, 5, end.ExitCode)
	require.Equal(t, "0\n/bin\nexec\ninput\n", out.String())

	_, err = b.Exec(t.Context(), id, engine.ExecOptions{Args: []string{"nothere"}, Attach: &engine.Streams{}})
	require.Equal(t, 127, engine.ExitCode(err), "%v", err)
	none, err := b.Exec(t.Context(), id, engine.ExecOptions{Args: []string{"sh", "-c", "echo > /tmp/detached; sleep 1000"}, Detach: true, User: "0"})
	require.NoError(t, err)
	require.Nil(t, none)
	limit := time.Duration(0)
	require.NoError(t, b.Stop(t.Context(), id, &limit), "what was exec'd ends with the container")
}

// ranStatic runs the test in a static binary, if this one isn't: where only the
// container's files are, a binary can't be executed that needs ld.so. Cooper's
// own never does; a test's with the race detector does, and takes several times
// the memory, so that limits and figures wouldn't be Cooper's.
func ranStatic(t *testing.T) bool {
	t.Helper()
	binary, err := elf.Open("/proc/self/exe")
	require.NoError(t, err)
	defer binary.Close()
	if binary.Section(".interp") == nil {
		return false
	}
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
	again := exec.Command("go", "test", "-count=1", "-run=^"+t.Name()+"$", "cooper/stage07-cli/engine")
	again.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := again.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return true
}
