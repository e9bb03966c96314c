package namespaces

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// start launches a container that sleeps until the test ends.
func start(t testing.TB, s *Spec) *Process {
	t.Helper()
	p := &Process{}
	outside := Outside(s, p)
	require.NoError(t, Launch(p, outside))
	t.Cleanup(func() {
		require.NoError(t, Undo(outside))
		require.NoError(t, p.Close())
	})
	return p
}

func TestJoiningEntersEveryNamespaceOfTheTarget(t *testing.T) {
	notrace.Check(t)
	for name, s := range map[string]*Spec{"without a user namespace": everything("sleep", "1000"), "with a user namespace": inUserNamespace("sleep", "1000")} {
		t.Run(name, func(t *testing.T) {
			target := start(t, s)
			script := "cd /proc/self/ns; for n in mnt pid uts ipc net cgroup time user; do readlink $n; done; hostname; [ -e /proc/1/root ] && tr '\\0' ' ' </proc/1/cmdline"
			output, code := run(t, &Spec{Args: []string{"sh", "-c", script}, Env: []string{"PATH=" + DefaultPath}, Target: target.Pid})
			require.Equal(t, 0, code, output)
			for _, kind := range []string{"mnt", "pid", "uts", "ipc", "net", "cgroup", "time", "user"} {
				link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", target.Pid, kind))
				require.NoError(t, err)
				require.Contains(t, output, link)
			}
			require.True(t, strings.HasSuffix(output, "inside\nsleep 1000 "), output)
		})
	}
}

func inUserNamespace(args ...string) *Spec {
	s := everything(args...)
	s.RunAsRootOf(65534, 65534)
	return s
}

func TestJoiningByPathSharesJustThatNamespace(t *testing.T) {
	notrace.Check(t)
	target := start(t, everything("sleep", "1000"))
	s := everything("sh", "-c", "readlink /proc/self/ns/net; readlink /proc/self/ns/uts")
	s.Namespaces = append(New(Mount, PID, UTS, IPC), Namespace{Kind: Network, Path: fmt.Sprintf("/proc/%d/ns/net", target.Pid)})
	output, _ := run(t, s)
	theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", target.Pid))
	require.NoError(t, err)
	otherUTS, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/uts", target.Pid))
	require.NoError(t, err)
	require.Contains(t, output, theirs)
	require.NotContains(t, output, otherUTS)
}

func TestJoiningAPidNamespaceByPathSeesItsProcesses(t *testing.T) {
	notrace.Check(t)
	target := start(t, everything("sleep", "1000"))
	s := everything("sh", "-c", "tr '\\0' ' ' </proc/1/cmdline")
	s.Namespaces = []Namespace{{Kind: Mount, Path: fmt.Sprintf("/proc/%d/ns/mnt", target.Pid)}, {Kind: PID, Path: fmt.Sprintf("/proc/%d/ns/pid", target.Pid)}}
	s.Hostname = ""
	output, code := run(t, s)
	require.Equal(t, 0, code)
	require.Equal(t, "sleep 1000 ", output)
}

func TestJoiningReportsExitStatusAndFailure(t *testing.T) {
	notrace.Check(t)
	target := start(t, everything("sleep", "1000"))
	_, code := run(t, &Spec{Args: []string{"sh", "-c", "kill -KILL $$"}, Target: target.Pid})
	require.Equal(t, 137, code)
	_, code, err := try(t, &Spec{Args: []string{"no-such-command"}, Target: target.Pid})
	require.Equal(t, 127, code)
	require.ErrorIs(t, err, unix.ENOENT)
}

func TestJoiningAProcessThatIsGoneFails(t *testing.T) {
	notrace.Check(t)
	gone := exec.Command("true")
	require.NoError(t, gone.Run())
	_, code, err := try(t, &Spec{Args: []string{"true"}, Target: gone.Process.Pid})
	require.ErrorIs(t, err, unix.ESRCH)
	require.Equal(t, 125, code)
}

func TestJoiningOurOwnNamespacesIsAnOrdinaryChild(t *testing.T) {
	notrace.Check(t)
	_, code := run(t, &Spec{Args: []string{"true"}, Target: os.Getpid()})
	require.Equal(t, 0, code)
}

func TestAUserNamespaceMakesTheCallerRootInsideOnly(t *testing.T) {
	notrace.Check(t)
	output, _ := run(t, inUserNamespace("sh", "-c", "id -u; cat /proc/self/uid_map; grep CapEff /proc/self/status"))
	fields := strings.Fields(output)
	require.Equal(t, []string{"0", "0", "65534", "1", "CapEff:"}, fields[:5])
	require.NotEqual(t, "0000000000000000", fields[5])
}

func TestWithoutRootAUserNamespaceIsEnough(t *testing.T) {
	notrace.Check(t)
	// A copy that anyone may execute: test binaries stand in private directories.
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestHelperRunsWithoutRoot$", "-test.v")
	cmd.Env = append(os.Environ(), "RUN_WITHOUT_ROOT=1")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, string(output))
	require.Contains(t, string(output), "uid=0(root)")
	require.Contains(t, string(output), "new namespaces need root, or a new user namespace beside them")
}

// TestHelperRunsWithoutRoot is what TestWithoutRootAUserNamespaceIsEnough runs as nobody.
func TestHelperRunsWithoutRoot(t *testing.T) {
	if os.Getenv("RUN_WITHOUT_ROOT") == "" {
		return
	}
	s := everything("id")
	s.RunAsRootOf(os.Getuid(), os.Getgid())
	p := &Process{Stdout: os.Stdout, Stderr: os.Stderr}
	require.NoError(t, Launch(p, Outside(s, p)))
	status, err := p.Wait()
	require.NoError(t, err)
	require.Equal(t, 0, ExitStatus(status))

	s = everything("id")
	p = &Process{}
	err = Launch(p, Outside(s, p))
	require.ErrorIs(t, err, unix.EPERM)
	fmt.Println(err)
}
