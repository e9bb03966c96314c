package engine_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"
	"cooper/stage02-cgroups"
	"cooper/stage05-images"
	"cooper/stage06-network"
	"cooper/stage07-cli/archive"
	"cooper/stage07-cli/engine"
	"cooper/stage07-cli/shim"
	"github.com/stretchr/testify/require"
)

// helperCommand makes the test's own binary a client that can be killed.
const helperCommand = "COOPER_TEST_CLIENT"

func TestMain(m *testing.M) {
	namespaces.Init(network.Inside)
	shim.Main()
	archive.Main()
	if os.Getenv(helperCommand) != "" {
		os.Exit(client(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// bench is an engine of its own with the base image in it.
type bench struct {
	*engine.Engine
	root, run string
}

func newBench(t *testing.T) *bench {
	notrace.Check(t)
	dir := t.TempDir()
	b := &bench{root: filepath.Join(dir, "root"), run: filepath.Join(dir, "run")}
	b.Engine = b.open(t)
	_, err := images.Bootstrap(context.Background(), b.Images(), "base:latest")
	require.NoError(t, err)
	t.Cleanup(func() {
		list, err := b.List(true)
		require.NoError(t, err)
		for _, c := range list {
			require.NoError(t, b.Remove(context.Background(), c.ID, engine.RemoveOptions{Force: true, Volumes: true}))
		}
		_, err = b.Cleanup(context.Background()) // the bridge outlives its containers
		require.NoError(t, err)
	})
	return b
}

func (b *bench) open(t *testing.T) *engine.Engine {
	e, err := engine.Open(b.root, b.run)
	require.NoError(t, err)
	e.CgroupDriver = cgroups.Cgroupfs // the same on all machines
	return e
}

// options for a container of the base image without a network, which is the
// quickest.
func options(args ...string) engine.CreateOptions {
	return engine.CreateOptions{Image: "base", Args: args, Network: network.None}
}

// started starts a container in the background and removes it at the end.
func (b *bench) started(t *testing.T, o engine.CreateOptions) string {
	t.Helper()
	s, err := b.Run(t.Context(), o, engine.StartOptions{})
	require.NoError(t, err)
	return s.ID
}

// result is what a foreground container left.
type result struct {
	out, err string
	code     int
}

// finished runs a container in the foreground to its end.
func (b *bench) finished(t *testing.T, o engine.CreateOptions, input string) result {
	t.Helper()
	var out, errs bytes.Buffer
	streams := &engine.Streams{Out: &out, Err: &errs}
	if o.Stdin {
		o.StdinOnce = true
		streams.In = strings.NewReader(input)
	}
	s, err := b.Run(t.Context(), o, engine.StartOptions{Attach: streams})
	require.NoError(t, err)
	end, err := s.Wait()
	require.NoError(t, err)
	return result{out.String(), errs.String(), end.ExitCode}
}

// attended is a session that somebody reads.
type attended struct {
	*engine.Session
	out   *tap
	ended chan result
}

// attend runs a container in the foreground and goes on.
func (b *bench) attend(t *testing.T, o engine.CreateOptions, streams engine.Streams) *attended {
	t.Helper()
	a := &attended{out: newTap(), ended: make(chan result, 1)}
	streams.Out, streams.Err = a.out, a.out
	var err error
	a.Session, err = b.Run(t.Context(), o, engine.StartOptions{Attach: &streams})
	require.NoError(t, err)
	go a.wait()
	return a
}

func (a *attended) wait() {
	end, err := a.Wait()
	r := result{out: a.out.String(), code: end.ExitCode}
	if err != nil {
		r.err = err.Error()
	}
	if end.Detached {
		r.err = "detached"
	}
	a.ended <- r
}

// end waits for the end.
func (a *attended) end(t *testing.T) result {
	t.Helper()
	select {
	case r := <-a.ended:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("the session didn't end")
		return result{}
	}
}

// execed runs a command in a container and returns its output.
func (b *bench) execed(t *testing.T, id string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	s, err := b.Exec(t.Context(), id, engine.ExecOptions{Args: args, Attach: &engine.Streams{Out: &out, Err: &out}})
	require.NoError(t, err)
	end, err := s.Wait()
	require.NoError(t, err)
	require.Zero(t, end.ExitCode, "%v: %s", args, out.String())
	return out.String()
}

func (b *bench) state(t *testing.T, id string) engine.InspectState {
	t.Helper()
	in, err := b.Inspect(id)
	require.NoError(t, err)
	return in.State
}

// tap is a writer that tells when a text has come.
type tap struct {
	lock    sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newTap() *tap { return &tap{changed: make(chan struct{}, 1)} }

func (w *tap) Write(p []byte) (int, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.text.Write(p)
	select {
	case w.changed <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (w *tap) String() string {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.text.String()
}

// await waits until the text has come.
func (w *tap) await(t *testing.T, text string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for !strings.Contains(w.String(), text) {
		select {
		case <-w.changed:
		case <-limit:
			t.Fatalf("%q didn't come; there is %q", text, w.String())
		}
	}
}
