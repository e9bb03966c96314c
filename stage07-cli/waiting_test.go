package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A removal is stopped as soon as it has the container's lock. Nobody waits for it
// but who wants the same container, and he is told for whom.
func TestACommandThatWaitsTellsForWhomAndTheOthersDontWait(t *testing.T) {
	notrace.NeedTool(t, "strace")
	h := newHost(t)
	id := h.ok("create", "--name", "one", "base")
	h.ok("create", "--name", "two", "base")
	lock, calls := filepath.Join(h.root, "containers", id, "lock"), filepath.Join(t.TempDir(), "calls")
	removal := exec.Command("strace", "-f", "-q", "-o", calls, "-P", lock, "-e", "trace=flock", "-e", "inject=flock:signal=SIGSTOP:when=1", h.program, "rm", "one")
	removal.Env, removal.SysProcAttr = h.env, &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, removal.Start())
	t.Cleanup(func() { _ = unix.Kill(-removal.Process.Pid, unix.SIGKILL) }) // or all that comes after a failure would wait for it
	require.Eventually(t, func() bool {
		seen, _ := os.ReadFile(calls)
		return strings.Contains(string(seen), "stopped by SIGSTOP")
	}, 20*time.Second, time.Millisecond)

	other := h.command("rm", "one")
	said, err := other.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	h.ok("rm", "two")
	require.Contains(t, h.ok("ps", "-a"), "one")
	lines := bufio.NewReader(said)
	line, err := lines.ReadString('\n')
	require.NoError(t, err)
	var holder int
	_, err = fmt.Sscanf(line, "cooper: waiting for lock held by pid %d: "+lock+"\n", &holder)
	require.NoError(t, err, line)

	require.NoError(t, unix.Kill(holder, unix.SIGCONT))
	require.NoError(t, removal.Wait())
	_, err = lines.ReadString('\n')
	require.ErrorIs(t, err, io.EOF, "it is told once")
	require.NoError(t, other.Wait(), "what another removed meanwhile is removed")
}
