package cgroups

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"
)

// These tests are for a machine that systemd has booted; .ci/vm has one. Whoever
// makes a container there is moved into its scope, so it's another process that
// does, once it is in a scope itself.
type scoped struct {
	id  string
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	dir string // the container's group
}

const scopeVariable = "COOPER_TEST_SCOPE"

// needSystemd returns a connection to the systemd that runs here.
func needSystemd(t *testing.T) (context.Context, *systemd) {
	t.Helper()
	if Driver() != Systemd {
		t.Skip("wants systemd, and its tree of version 2")
	}
	if os.Geteuid() == 0 {
		notrace.Check(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	d, err := dialSystemd(ctx)
	require.NoError(t, err)
	t.Cleanup(func() { d.bus.Close() })
	return ctx, d
}

// startScoped starts a container and waits until it runs.
func startScoped(t *testing.T, id string) *scoped {
	t.Helper()
	c := launchScoped(t, id)
	c.await(t)
	return c
}

// launchScoped launches a container that tells its cgroup, and then ends, with
// what it's told to.
func launchScoped(t *testing.T, id string) *scoped {
	t.Helper()
	c := &scoped{id: id, cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=TestHelperMakesAContainerInAScope")}
	c.cmd.Env = append(os.Environ(), scopeVariable+"="+id)
	c.cmd.Stderr = os.Stderr
	var err error
	c.in, err = c.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := c.cmd.StdoutPipe()
	require.NoError(t, err)
	c.out = bufio.NewReader(out)
	require.NoError(t, c.cmd.Start())
	return c
}

// await learns where the container is.
func (c *scoped) await(t *testing.T) {
	t.Helper()
	line, err := c.out.ReadString('\n')
	require.NoError(t, err, line)
	c.dir = filepath.Join("/sys/fs/cgroup", strings.TrimPrefix(strings.TrimSpace(line), "0::"))
}

// end tells the container how to end, and returns the exit status.
func (c *scoped) end(t *testing.T, code int) int {
	t.Helper()
	_, err := fmt.Fprintln(c.in, code)
	require.NoError(t, err)
	_ = c.cmd.Wait()
	return c.cmd.ProcessState.ExitCode()
}

func TestHelperMakesAContainerInAScope(t *testing.T) {
	id := os.Getenv(scopeVariable)
	if id == "" {
		return
	}
	s := container("sh", "-c", "cat /proc/self/cgroup; read -r code; exit $code")
	s.ID, s.CgroupDriver, s.Limits = id, Systemd, Limits{Memory: 64 * mib, Pids: 50, CPUQuota: 50_000}
	p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	code, err := namespaces.Foreground(p, Outside(s, p))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func TestSystemdLeavesAScopeToUs(t *testing.T) {
	ctx, d := needSystemd(t)
	c := startScoped(t, namespaces.NewID())
	unit := "cooper-" + c.id + ".scope"
	require.Equal(t, unit+"/container", path.Join(filepath.Base(filepath.Dir(c.dir)), filepath.Base(c.dir)))
	own, err := memberships(fmt.Sprintf("/proc/%d/cgroup", c.cmd.Process.Pid))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(filepath.Dir(c.dir), leaf), "/sys/fs/cgroup"+own[""], "who made it is with it")

	require.NoError(t, d.call(ctx, "Reload").Err)
	for file, want := range map[string]string{"memory.max": "67108864", "pids.max": "50", "cpu.max": "50000 100000"} {
		text, err := read(c.dir, file)
		require.NoError(t, err)
		require.Equal(t, want, strings.TrimSpace(text), "%s, after systemd has read its configuration anew", file)
	}

	require.Equal(t, 42, c.end(t, 42))
	for isDir(filepath.Dir(c.dir)) { // when it reads its configuration, all units come and go
		require.NoError(t, d.awaitRemoval(ctx, unit))
	}
}

// A container that is started again may be faster than systemd, which is told
// of the end of the last process by the kernel, some time.
func TestAScopeThatIsStillThereIsWaitedFor(t *testing.T) {
	ctx, d := needSystemd(t)
	id := namespaces.NewID()
	first := startScoped(t, id)
	const owners = "org.freedesktop.DBus"
	require.NoError(t, d.bus.AddMatchSignal(dbus.WithMatchInterface(owners), dbus.WithMatchMember("NameOwnerChanged")))
	second := launchScoped(t, id)
	for signal := range d.signals { // until it is on the bus, too
		if signal.Name == owners+".NameOwnerChanged" {
			break
		}
	}
	require.Equal(t, 1, first.end(t, 1))
	second.await(t)
	require.Equal(t, first.dir, second.dir)
	require.Equal(t, 2, second.end(t, 2))
	unit := "cooper-" + id + ".scope"
	require.NoError(t, d.awaitRemoval(ctx, unit), "the first")
	require.NoError(t, d.awaitRemoval(ctx, unit), "the second")
}

func TestStoppingTheScopeEndsTheContainer(t *testing.T) {
	ctx, d := needSystemd(t)
	c := startScoped(t, namespaces.NewID())
	unit := "cooper-" + c.id + ".scope"
	var job dbus.ObjectPath
	require.NoError(t, d.call(ctx, "StopUnit", unit, "fail").Store(&job))
	require.NoError(t, d.awaitRemoval(ctx, unit))
	_ = c.cmd.Wait()
	require.Equal(t, 128+15, c.cmd.ProcessState.ExitCode())
	require.NoDirExists(t, filepath.Dir(c.dir))
}

// The signal comes to the engine's process, whatever becomes of it.
func TestTheScopeEndsWithAKilledEngine(t *testing.T) {
	ctx, d := needSystemd(t)
	c := startScoped(t, namespaces.NewID())
	require.NoError(t, c.cmd.Process.Kill())
	_ = c.cmd.Wait()
	require.NoError(t, d.awaitRemoval(ctx, "cooper-"+c.id+".scope"))
	require.NoDirExists(t, filepath.Dir(c.dir))
}
