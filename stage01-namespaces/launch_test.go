package namespaces

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The test binary is the container's first process too. Its inside list can
// be made to fail by the host name.
func TestMain(m *testing.M) {
	Init(func(s *Spec) []Step {
		steps := Inside(s)
		if s.Hostname == "fails-inside" {
			steps = slices.Insert(steps, len(steps)-1, Step{Name: "namespaces/test", Why: "to fail", Do: func() error {
				return unix.Mount("nothing", "/proc/nowhere", "nofs", 0, "")
			}})
		}
		if s.Hostname == "tells-dumpable" {
			steps = slices.Insert(steps, len(steps)-1, Step{Name: "namespaces/test", Why: "to tell", Do: func() error {
				dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
				return errors.Join(fmt.Errorf("dumpable is %d", dumpable), err)
			}})
		}
		if s.Hostname == "leaks-inside" {
			steps = slices.Insert(steps, 0, Step{Name: "namespaces/test", Why: "to leak", Do: func() error {
				_, err := unix.Open("/", unix.O_RDONLY|unix.O_DIRECTORY, 0) // without close-on-exec
				return err
			}})
		}
		if s.Hostname == "dies-inside" {
			steps = slices.Insert(steps, len(steps)-1, Step{Name: "namespaces/test", Why: "to die", Do: func() error {
				return unix.Kill(os.Getpid(), unix.SIGABRT)
			}})
		}
		return steps
	})
	os.Exit(m.Run())
}

// everything is a Spec with all namespaces new but the user's.
func everything(args ...string) *Spec {
	return &Spec{ID: NewID(), Args: args, Env: []string{"PATH=" + DefaultPath}, Hostname: "inside",
		Namespaces: New(Mount, PID, UTS, IPC, Network, Cgroup, Time)}
}

// run launches a container, waits for it and returns what it wrote.
func run(t testing.TB, s *Spec) (output string, exitCode int) {
	t.Helper()
	output, exitCode, err := try(t, s)
	require.NoError(t, err)
	return output, exitCode
}

func try(t testing.TB, s *Spec) (output string, exitCode int, err error) {
	t.Helper()
	require.NoError(t, s.Validate())
	file, err := os.CreateTemp(t.TempDir(), "output")
	require.NoError(t, err)
	defer file.Close()
	p := &Process{Stdout: file, Stderr: file}
	outside := Outside(s, p)
	if err := Launch(p, outside); err != nil {
		return "", ExitCode(err), err
	}
	defer p.Close()
	status, err := p.Wait()
	require.NoError(t, err)
	require.NoError(t, Undo(outside))
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	return string(text), ExitStatus(status), nil
}

func TestTheCommandIsAloneInItsNamespaces(t *testing.T) {
	notrace.Check(t)
	output, code := run(t, everything("sh", "-c", "echo $$; hostname; ls -d /proc/[0-9]* | wc -l; grep -c : /proc/net/dev"))
	require.Equal(t, 0, code)
	require.Equal(t, "1\ninside\n", output[:9])
	fields := strings.Fields(output)
	require.LessOrEqual(t, len(fields[2]), 1, "a handful of processes, not the host's: %s", output)
	require.Equal(t, "1", fields[3], "lo only")

	host, err := os.Hostname()
	require.NoError(t, err)
	require.NotEqual(t, "inside", host)
}

func TestEveryNewNamespaceDiffersFromOurs(t *testing.T) {
	notrace.Check(t)
	output, _ := run(t, everything("sh", "-c", "cd /proc/self/ns; for n in mnt pid uts ipc net cgroup time user; do echo $n $(readlink $n); done"))
	for line := range strings.Lines(output) {
		name, theirs, _ := strings.Cut(strings.TrimSpace(line), " ")
		ours, err := os.Readlink("/proc/self/ns/" + name)
		require.NoError(t, err)
		if name == "user" {
			require.Equal(t, ours, theirs, name)
		} else {
			require.NotEqual(t, ours, theirs, name)
		}
	}
}

func TestExitStatusIsExact(t *testing.T) {
	notrace.Check(t)
	for _, c := range []struct {
		script string
		init   bool
		want   int
	}{
		{"exit 0", false, 0},
		{"exit 1", false, 1},
		{"exit 255", false, 255},
		{"exit 7", true, 7},
		{"kill -TERM $$", true, 128 + 15},
		{"kill -SEGV $$", true, 128 + 11},
		{"kill -KILL $$", false, 0}, // the kernel shields PID 1 from its own namespace
	} {
		s := everything("sh", "-c", c.script)
		s.Init = c.init
		_, code := run(t, s)
		require.Equal(t, c.want, code, "%s (init %v)", c.script, c.init)
	}
}

func TestArgumentsArriveUnjoinedAndUnsplit(t *testing.T) {
	notrace.Check(t)
	output, _ := run(t, everything("printf", "<%s>", "a b", "", "*", "$HOME", "a\nb"))
	require.Equal(t, "<a b><><*><$HOME><a\nb>", output)
}

func TestNothingOfOurEnvironmentComesAlong(t *testing.T) {
	t.Setenv("SECRET", "of the host")
	notrace.Check(t)
	output, _ := run(t, everything("env"))
	require.NotContains(t, output, "SECRET")
	require.NotContains(t, output, "GOMAXPROCS")
	require.Contains(t, output, "PATH="+DefaultPath)
}

func TestNoDescriptorLeaksIntoTheCommand(t *testing.T) {
	notrace.Check(t)
	leak, err := unix.Open("/etc/passwd", unix.O_RDONLY, 0) // without close-on-exec, as a careless library would
	require.NoError(t, err)
	defer unix.Close(leak)
	output, _ := run(t, everything("sh", "-c", "for n in $(seq 0 40); do [ -e /proc/$$/fd/$n ] && echo $n; done; true"))
	require.Equal(t, "0\n1\n2\n", output)
}

func TestWhatTheChildLeftOpenIsClosedByTheExec(t *testing.T) {
	notrace.Check(t)
	for _, init := range []bool{false, true} {
		s := everything("sh", "-c", "for n in $(seq 0 40); do [ -e /proc/$$/fd/$n ] && echo $n; done; true")
		s.Hostname, s.Init = "leaks-inside", init
		output, _ := run(t, s)
		require.Equal(t, "0\n1\n2\n", output, "init: %v", init)
	}
}

func TestTheSoftLimitOnOpenFilesIsTheKernelsOwn(t *testing.T) {
	notrace.Check(t)
	output, _ := run(t, everything("sh", "-c", "ulimit -Sn"))
	require.Equal(t, "1024\n", output)
}

func TestIgnoredSignalsAreNotInherited(t *testing.T) {
	notrace.Check(t)
	signal.Ignore(unix.SIGHUP) // as under nohup
	defer signal.Reset(unix.SIGHUP)
	s := everything("grep", "-E", "SigIgn|SigBlk", "/proc/self/status") // a shell may have its own way with SIGQUIT
	output, _ := run(t, s)
	require.Equal(t, 2, strings.Count(output, "0000000000000000"), output)
}

func TestAFailureToBecomeTheCommandHasItsExitCode(t *testing.T) {
	notrace.Check(t)
	directory := t.TempDir()
	plain := filepath.Join(directory, "plain")
	require.NoError(t, os.WriteFile(plain, []byte("no program"), 0o644))
	for _, c := range []struct {
		command string
		code    int
		errno   error
	}{
		{"no-such-command", 127, unix.ENOENT},
		{"/no/such/command", 127, unix.ENOENT},
		{plain + "/x", 127, unix.ENOTDIR},
		{plain, 126, unix.EACCES},
		{directory, 126, unix.EACCES},
	} {
		_, code, err := try(t, everything(c.command))
		require.ErrorContains(t, err, ": exec "+c.command+": ")
		require.Equal(t, c.code, code, c.command)
		require.ErrorIs(t, err, c.errno)
	}
}

func TestAFailureInsideKeepsItsStepAndErrno(t *testing.T) {
	notrace.Check(t)
	s := everything("true")
	s.Hostname = "fails-inside"
	_, code, err := try(t, s)
	require.EqualError(t, err, "namespaces/test: no such file or directory")
	require.ErrorIs(t, err, unix.ENOENT)
	require.Equal(t, 125, code)
}

func TestAChildThatDiesIsNotTakenForACommand(t *testing.T) {
	notrace.Check(t)
	s := everything("true")
	s.Hostname = "dies-inside"
	s.Namespaces = New(Mount, UTS) // in a pid namespace of its own it would be shielded
	_, _, err := try(t, s)
	require.ErrorContains(t, err, "the child ended before it became the command")
}

func TestExplainReportsBothSidesInOrder(t *testing.T) {
	notrace.Check(t)
	var steps []string
	s := everything("true")
	s.Explain = true
	p := &Process{Watch: func(e Event) { steps = append(steps, e.Step) }}
	outside := Outside(s, p)
	require.NoError(t, Launch(p, outside))
	defer p.Close()
	_, err := p.Wait()
	require.NoError(t, err)
	require.Equal(t, append(names(outside), names(Inside(s))...), steps)
}
