package namespaces

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestInitReapsOrphansAndABareCommandDoesNot(t *testing.T) {
	notrace.Check(t)
	for _, init := range []bool{true, false} {
		// Ten orphans, which outlive the shell however slow it is: it turns into
		// a program that never waits for children.
		const orphan = "until read name < /proc/$$/comm && test $name = sleep; do sleep 0.1; done"
		s := everything("sh", "-c", "for i in $(seq 10); do ("+orphan+") & done; exec sleep 1000")
		s.Init = init
		p := start(t, s)
		want := kin{sleep: true, zombies: 10}
		if init {
			want = kin{sleep: true, others: 1} // the command itself
		}
		require.Eventually(t, func() bool { return family(t, p.Pid) == want }, 20*time.Second, 10*time.Millisecond,
			"want %+v", want)
	}
}

// kin tells of a container by its PID 1's children.
type kin struct {
	sleep           bool // the command, PID 1 or its child, has become sleep 1000
	zombies, others int
}

func family(t testing.TB, pid int) (found kin) {
	t.Helper()
	found.sleep = strings.Contains(proc(pid, "cmdline"), "1000")
	for _, field := range strings.Fields(proc(pid, fmt.Sprintf("task/%d/children", pid))) {
		child, err := strconv.Atoi(field)
		require.NoError(t, err)
		if strings.Contains(proc(child, "status"), "State:\tZ") {
			found.zombies++
		} else {
			found.others++
		}
		found.sleep = found.sleep || strings.Contains(proc(child, "cmdline"), "1000")
	}
	return found
}

// proc reads a file of /proc/PID; it is empty when the process has just ended.
func proc(pid int, name string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	return string(text)
}

func TestInitForwardsSignalsAndPIDOneAloneIsDeafToThem(t *testing.T) {
	notrace.Check(t)
	for _, init := range []bool{true, false} {
		s := everything("sleep", "1000") // has no handler for SIGTERM
		s.Init = init
		p := start(t, s)
		require.NoError(t, p.Signal(unix.SIGTERM))
		if !init {
			require.False(t, notrace.Ends(int(p.Pidfd.Fd()), 100*time.Millisecond), "PID 1 without a handler never sees SIGTERM")
			continue
		}
		require.True(t, notrace.Ends(int(p.Pidfd.Fd()), 5*time.Second))
		status, err := p.Wait()
		require.NoError(t, err)
		require.Equal(t, 128+15, ExitStatus(status))
	}
}

func TestATerminalIsTheCommandsOwn(t *testing.T) {
	notrace.Check(t)
	for _, init := range []bool{false, true} {
		s := everything("sh", "-c", "tty; stty size; ps -o stat= -p $$; read line; echo got $line")
		s.Terminal = true
		s.Init = init
		s.ConsoleSize = &WindowSize{Height: 33, Width: 99}
		p := start(t, s)
		output := readUntil(t, p.Console, "+")
		require.Contains(t, output, "/dev/pts/")
		require.Contains(t, output, "33 99")
		_, err := p.Console.WriteString("hello\n")
		require.NoError(t, err)
		require.Contains(t, readUntil(t, p.Console, "got"), "got hello")
		status, err := p.Wait()
		require.NoError(t, err)
		require.Equal(t, 0, ExitStatus(status))
	}
}

func TestResizeReachesTheCommand(t *testing.T) {
	notrace.Check(t)
	s := everything("sh", "-c", "trap 'stty size' WINCH; echo ready; while :; do read line; done")
	s.Terminal = true
	p := start(t, s)
	readUntil(t, p.Console, "ready")
	for range 1000 {
		require.NoError(t, p.Resize(WindowSize{Height: 10, Width: 20}))
	}
	require.NoError(t, p.Resize(WindowSize{Height: 41, Width: 123}))
	readUntil(t, p.Console, "41 123")
}

func TestAnInterruptTypedAtTheTerminalReachesTheCommand(t *testing.T) {
	notrace.Check(t)
	s := everything("sh", "-c", "trap 'echo interrupted; exit 3' INT; echo ready; while :; do read line; done")
	s.Terminal = true
	s.Init = true
	p := start(t, s)
	readUntil(t, p.Console, "ready")
	_, err := p.Console.WriteString("\x03")
	require.NoError(t, err)
	readUntil(t, p.Console, "interrupted")
	status, err := p.Wait()
	require.NoError(t, err)
	require.Equal(t, 3, ExitStatus(status))
}

// readUntil reads the terminal until the text appears.
func readUntil(t testing.TB, console *os.File, text string) string {
	t.Helper()
	var output strings.Builder
	buffer := make([]byte, 1024)
	for !strings.Contains(output.String(), text) {
		poll := []unix.PollFd{{Fd: int32(console.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, 10_000)
		if err == unix.EINTR {
			continue
		}
		require.Equal(t, 1, n, "waiting for %q, got %q", text, output.String())
		read, err := console.Read(buffer)
		require.NoError(t, err, "waiting for %q, got %q", text, output.String())
		output.Write(buffer[:read])
	}
	return output.String()
}

func TestAnExecWithATerminalRefusesAFalseMultiplexer(t *testing.T) {
	notrace.Check(t)
	// A running container has put a FIFO in the place of /dev/ptmx.
	fifo := filepath.Join(t.TempDir(), "false")
	require.NoError(t, unix.Mkfifo(fifo, 0o666))
	target := start(t, everything("sh", "-c", `mount --bind "$0" /dev/ptmx && exec sleep 1000`, fifo))
	require.Eventually(t, func() bool { return strings.HasPrefix(proc(target.Pid, "cmdline"), "sleep") }, 10*time.Second, time.Millisecond)
	_, code, err := try(t, &Spec{Args: []string{"true"}, Target: target.Pid, Terminal: true})
	require.EqualError(t, err, "namespaces/open_terminal: check /dev/ptmx: inappropriate ioctl for device")
	require.Equal(t, ExitEngine, code)
}
