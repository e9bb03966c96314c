package rootfs

import (
	"os"
	"slices"
	"strings"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage03-rootfs/busyroot"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	namespaces.Init(func(s *Spec) []namespaces.Step {
		steps := Inside(s)
		for before, do := range meddlers(s) {
			i := slices.IndexFunc(steps, func(step namespaces.Step) bool { return step.Name == before })
			steps = slices.Insert(steps, i, namespaces.Step{Name: "rootfs/test", Why: "to meddle", Do: do})
		}
		return steps
	})
	if os.Args[0] == probeName {
		probe()
		return
	}
	os.Exit(m.Run())
}

// meddle has the child take more than its own steps: one that a test needs, see
// meddlers.
func meddle(s *Spec, what string) *Spec {
	s.Env = append(s.Env, "MEDDLE="+what)
	return s
}

// meddlers lists those steps by the one that each comes before.
func meddlers(s *Spec) map[string]func() error {
	i := slices.IndexFunc(s.Env, func(pair string) bool { return strings.HasPrefix(pair, "MEDDLE=") })
	if i < 0 {
		return nil
	}
	return map[string]map[string]func() error{
		"MEDDLE=linger behind the seal":        {"namespaces/exec": linger},
		"MEDDLE=replace the terminals":         {"namespaces/open_terminal": replaceTerminals},
		"MEDDLE=replace the terminal":          {"rootfs/console": replaceTerminal},
		"MEDDLE=be dumpable before capset":     {"rootfs/capset": becomeDumpable, "namespaces/find_command": tellDumpable},
		"MEDDLE=tell whether it can be traced": {"namespaces/find_command": tellDumpable},
	}[s.Env[i]]
}

// box is a Spec with the defaults and a fresh busybox root.
func box(t testing.TB, args ...string) *Spec {
	t.Helper()
	s := Defaults()
	s.ID, s.Args, s.Rootfs = namespaces.NewID(), args, busyroot.New(t)
	return &s
}

func shell(t testing.TB, script string) *Spec { return box(t, "sh", "-c", script) }

// run launches a container, waits for it and returns what it wrote.
func run(t testing.TB, s *Spec) (output string, exitCode int) {
	t.Helper()
	output, exitCode, err := try(t, s)
	require.NoError(t, err)
	return output, exitCode
}

// refused launches a container that must not start, and returns why.
func refused(t testing.TB, s *Spec) error {
	t.Helper()
	output, code, err := try(t, s)
	require.Error(t, err, "it ran, and wrote: %s", output)
	require.Equal(t, namespaces.ExitEngine, code)
	return err
}

func try(t testing.TB, s *Spec) (output string, exitCode int, err error) {
	t.Helper()
	if err := s.Validate(); err != nil {
		return "", namespaces.ExitEngine, err
	}
	file, err := os.CreateTemp(t.TempDir(), "output")
	require.NoError(t, err)
	defer file.Close()
	p := &namespaces.Process{Stdout: file, Stderr: file}
	outside := Outside(s, p)
	if err := namespaces.Launch(p, outside); err != nil {
		return "", namespaces.ExitCode(err), err
	}
	defer p.Close()
	status, err := p.Wait()
	require.NoError(t, err)
	require.NoError(t, namespaces.Undo(outside))
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	return string(text), namespaces.ExitStatus(status), nil
}

// says runs a script in a container and returns its output without the
// newline at the end.
func says(t testing.TB, s *Spec) string {
	t.Helper()
	output, code := run(t, s)
	require.Zero(t, code, output)
	return strings.TrimSuffix(output, "\n")
}

// stay launches a container that waits until the test ends, and returns its
// pid, for commands that join it.
func stay(t testing.TB, s *Spec) int {
	t.Helper()
	s.Args = []string{"sh", "-c", "echo ready; read wait"}
	stdin, hold, err := os.Pipe()
	require.NoError(t, err)
	ready, stdout, err := os.Pipe()
	require.NoError(t, err)
	defer ready.Close()
	p := &namespaces.Process{Stdin: stdin, Stdout: stdout}
	outside := Outside(s, p)
	require.NoError(t, namespaces.Launch(p, outside))
	t.Cleanup(func() {
		require.NoError(t, hold.Close())
		_, err := p.Wait()
		require.NoError(t, err)
		require.NoError(t, namespaces.Undo(outside))
		require.NoError(t, p.Close())
	})
	require.NoError(t, stdin.Close())
	require.NoError(t, stdout.Close())
	require.Equal(t, "ready\n", readAllOnce(ready))
	return p.Pid
}

// joining is a command with the defaults that joins the container.
func joining(container *Spec, pid int, args ...string) *Spec {
	s := Defaults()
	s.ID, s.CgroupPath, s.Target, s.Args = container.ID, container.CgroupPath, pid, args
	s.Namespaces, s.Mounts = nil, nil
	return &s
}
