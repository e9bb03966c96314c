package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// asCooper makes the test binary be cooper's command line, for the tests that
// need a process but no container.
const asCooper = "COOPER_TEST_AS_COOPER"

func TestMain(m *testing.M) {
	if os.Getenv(asCooper) != "" {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	code := m.Run()
	if program, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// built is the real program, built once for all tests as "make build" does.
var built = sync.OnceValues(func() (string, error) {
	if os.Geteuid() != 0 {
		return "", errors.New("without root no test starts the program")
	}
	dir, err := os.MkdirTemp("", "cooper-cli-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "cooper")
	build := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-ldflags", "-s -w", "-o", program, "./cmd/cooper")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return program, fmt.Errorf("build cooper: %w\n%s", err, out)
	}
	return program, os.Chmod(dir, 0o755)
})

// A host is a machine with cooper on it, for one test: a state directory of
// its own, in which only the image "base" is.
type host struct {
	t       *testing.T
	program string
	root    string // a directory for the test's files, too
	env     []string
	front   []string // in front of each line: what moves it into another network
}

// newHost proves at the end of the test that nothing is left of it.
func newHost(t *testing.T) *host {
	t.Helper()
	notrace.Check(t)
	return newHostBehind(t, nil)
}

// newHostApart is a host with a network of its own, in which there is nothing
// but loopback: what is made there is in nobody's way.
func newHostApart(t *testing.T) *host {
	t.Helper()
	notrace.Check(t)
	notrace.NeedTool(t, "ip")
	m := newMachine(t)
	tool(t, append(m.front(), "ip", "link", "set", "lo", "up")...)
	return newHostBehind(t, m.front())
}

func newHostBehind(t *testing.T, front []string) *host {
	t.Helper()
	program, err := built()
	require.NoError(t, err)
	dir := t.TempDir()
	h := &host{t: t, program: program, front: front, root: filepath.Join(dir, "root"), env: append(os.Environ(),
		"COOPER_ROOT="+filepath.Join(dir, "root"), "COOPER_RUN="+filepath.Join(dir, "run"))}
	t.Cleanup(h.removeAll)
	h.ok("image", "bootstrap")
	return h
}

func (h *host) removeAll() {
	if ids := strings.Fields(h.cooper("ps", "-aq").stdout); len(ids) > 0 {
		h.ok(append([]string{"rm", "-f"}, ids...)...)
	}
	h.ok("system", "cleanup") // the bridge outlives its containers
}

type result struct {
	code           int
	stdout, stderr string
}

func (h *host) command(line ...string) *exec.Cmd {
	words := slices.Concat(h.front, []string{h.program}, line)
	command := exec.Command(words[0], words[1:]...)
	command.Env = h.env
	return command
}

// cooper runs one line to its end.
func (h *host) cooper(line ...string) result {
	h.t.Helper()
	return h.finish(h.command(line...))
}

// ok runs a line that must succeed, and returns what it printed.
func (h *host) ok(line ...string) string {
	h.t.Helper()
	r := h.cooper(line...)
	require.Zero(h.t, r.code, "cooper %q: %s%s", line, r.stdout, r.stderr)
	return strings.TrimSpace(r.stdout)
}

// shell runs a line of sh with cooper on the path.
func (h *host) shell(script string) result {
	h.t.Helper()
	command := exec.Command("bash", "-c", script)
	command.Env = append(h.env, "PATH="+filepath.Dir(h.program)+":"+os.Getenv("PATH"))
	command.Dir = filepath.Dir(h.root)
	return h.finish(command)
}

func (h *host) finish(command *exec.Cmd) result {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(h.t, err)
	}
	return result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// state lists the files of the engine, but for the images, which stay.
func (h *host) state() (files []string) {
	require.NoError(h.t, filepath.WalkDir(h.root, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() && path == filepath.Join(h.root, "images") {
			return filepath.SkipDir
		}
		files = append(files, path)
		return err
	}))
	return files
}
