package namespaces

import (
	"fmt"
	"os"
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
		// A hundred children, each orphaned at once; the command then turns
		// into a program that never waits for children.
		s := everything("sh", "-c", "for i in $(seq 100); do (sh -c 'exit 0' &); done; exec sleep 1000")
		s.Init = init
		p := start(t, s)
		want := "100 zombies"
		if init {
			want = "0 zombies"
		}
		require.Eventually(t, func() bool {
			sleeping, zombies := family(t, p.Pid)
			return sleeping && fmt.Sprintf("%d zombies", zombies) == want
		}, 20*time.Second, 10*time.Millisecond, want)
	}
}

// family tells of a container, by its PID 1's children: whether the command
// has become sleep, and how many zombies there are.
func family(t testing.TB, pid int) (sleeping bool, zombies int) {
	t.Helper()
	sleeping = comm(pid) == "sleep"
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	require.NoError(t, err)
	for _, field := range strings.Fields(string(children)) {
		child, err := strconv.Atoi(field)
		require.NoError(t, err)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", child))
		if err == nil && strings.Contains(string(status), "State:\tZ") {
			zombies++
		}
		sleeping = sleeping || comm(child) == "sleep"
	}
	return sleeping, zombies
}

func comm(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // "": it has just ended
	return strings.TrimSpace(string(text))
}

func TestInitForwardsSignalsAndPIDOneAloneIsDeafToThem(t *testing.T) {
	notrace.Check(t)
	for _, init := range []bool{true, false} {
		s := everything("sleep", "1000") // has no handler for SIGTERM
		s.Init = init
		p := start(t, s)
		require.NoError(t, p.Signal(unix.SIGTERM))
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p.Pidfd.Fd()), Events: unix.POLLIN}}, map[bool]int{true: 5000, false: 100}[init])
		require.NoError(t, err)
		if !init {
			require.Zero(t, n, "PID 1 without a handler never sees SIGTERM")
			continue
		}
		require.Equal(t, 1, n)
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
