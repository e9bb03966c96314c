package cgroups

import (
	"os"
	"testing"

	namespaces "cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	namespaces.Init(Inside)
	if len(os.Args) == 2 && os.Args[1] == deviceProbe {
		answerDeviceProbes()
	}
	if len(os.Args) == 3 && os.Args[1] == waitingParent {
		launchAndWait(os.Args[2])
	}
	if len(os.Args) == 4 && os.Args[1] == hugePages {
		takeHugePages(os.Args[2], os.Args[3] != "")
	}
	if len(os.Args) == 4 && os.Args[1] == rdmaContexts {
		openRdmaContexts(os.Args[2], os.Args[3])
	}
	os.Exit(m.Run())
}

// container is a Spec for a command without namespaces of its own, so that
// only the cgroup holds its processes together.
func container(args ...string) *Spec {
	s := &Spec{}
	s.ID, s.Args, s.Env = namespaces.NewID(), args, []string{"PATH=" + namespaces.DefaultPath}
	return s
}

// started is a running container.
type started struct {
	*namespaces.Process
	spec    *Spec
	outside []namespaces.Step
	output  *os.File
}

// start launches a container. When the test ends it is undone, and reaped.
func start(t *testing.T, s *Spec) *started {
	t.Helper()
	return startWith(t, s, nil)
}

// startWith gives the command something to read.
func startWith(t *testing.T, s *Spec, stdin *os.File) *started {
	t.Helper()
	require.NoError(t, s.Validate())
	output, err := os.CreateTemp(t.TempDir(), "output")
	require.NoError(t, err)
	p := &namespaces.Process{Stdin: stdin, Stdout: output, Stderr: output}
	c := &started{p, s, Outside(s, p), output}
	t.Cleanup(func() {
		require.NoError(t, namespaces.Undo(c.outside))
		require.NoError(t, p.Close())
		require.NoError(t, output.Close())
	})
	require.NoError(t, namespaces.Launch(p, c.outside))
	return c
}

// end waits for the command and returns what it wrote and its exit status as a
// shell tells it. The group is still there.
func (c *started) end(t *testing.T) (string, int) {
	t.Helper()
	status, err := c.Wait()
	require.NoError(t, err)
	text, err := os.ReadFile(c.output.Name())
	require.NoError(t, err)
	return string(text), namespaces.ExitStatus(status)
}

func (c *started) group(t *testing.T) *Group {
	t.Helper()
	g, err := siteOf(c.spec).group()
	require.NoError(t, err)
	return g
}

// places counts the container's directories in all hierarchies.
func places(t *testing.T, s *Spec) (n int) {
	t.Helper()
	path, err := s.path()
	require.NoError(t, err)
	system, err := Detect()
	require.NoError(t, err)
	for _, p := range system.group(path).places {
		if isDir(p.dir) {
			n++
		}
	}
	return n
}
