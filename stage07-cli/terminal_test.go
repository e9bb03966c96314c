package cli

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A pty is a terminal with somebody in front of it: the test.
type pty struct {
	t        *testing.T
	person   *os.File // the side of keyboard and screen
	terminal *os.File // the side that programs see
	screen   string   // what was shown since the last text that was awaited
	shown    string   // all that was ever shown
}

func newPTY(t *testing.T, height, width uint16) *pty {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	p := &pty{t: t, person: person}
	number := 0
	p.control(func(fd int) error {
		if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
			return err
		}
		number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		return err
	})
	p.terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() {
		p.person.Close()
		p.terminal.Close()
	})
	p.resize(height, width)
	return p
}

// control leaves the file as it is; File.Fd would end its deadlines.
func (p *pty) control(act func(fd int) error) {
	p.t.Helper()
	raw, err := p.person.SyscallConn()
	require.NoError(p.t, err)
	var failed error
	require.NoError(p.t, raw.Control(func(fd uintptr) { failed = act(int(fd)) }))
	require.NoError(p.t, failed)
}

func (p *pty) resize(height, width uint16) {
	p.t.Helper()
	p.control(func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width})
	})
}

// mode is how the terminal is set: raw, echoing, …
func (p *pty) mode() (mode unix.Termios) {
	p.t.Helper()
	p.control(func(fd int) error {
		now, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		mode = *now
		return err
	})
	return mode
}

func (p *pty) press(keys string) {
	p.t.Helper()
	_, err := p.person.WriteString(keys)
	require.NoError(p.t, err)
}

// await reads the screen until it shows the text.
func (p *pty) await(text string) {
	p.t.Helper()
	require.NoError(p.t, p.person.SetReadDeadline(time.Now().Add(20*time.Second)))
	buffer := make([]byte, 4096)
	for !strings.Contains(p.screen, text) {
		n, err := p.person.Read(buffer)
		p.screen += string(buffer[:n])
		p.shown += string(buffer[:n])
		require.NoError(p.t, err, "waiting for %q on a screen that shows %q", text, p.screen)
	}
	_, p.screen, _ = strings.Cut(p.screen, text)
}

// start runs a program as a shell on this terminal would.
func (p *pty) start(command *exec.Cmd) {
	p.t.Helper()
	command.Stdin, command.Stdout, command.Stderr = p.terminal, p.terminal, p.terminal
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(p.t, command.Start())
}

func (p *pty) status(command *exec.Cmd) int {
	p.t.Helper()
	_ = command.Wait()
	return command.ProcessState.ExitCode()
}

func TestAContainerCanBeTalkedTo(t *testing.T) {
	h := newHost(t)
	p := newPTY(t, 33, 99)
	before := p.mode()
	command := h.command("run", "-it", "--rm", "--network", "none", "base", "sh")
	p.start(command)
	p.press("tty; stty size; echo TERM=$TERM.\n")
	p.await("/dev/pts/0\r\n33 99\r\nTERM=xterm.\r\n")
	require.NotEqual(t, before, p.mode(), "the terminal is raw while the container has it")

	for height := range uint16(40) { // a storm of changes: the last one counts
		p.resize(10+height, 77)
	}
	p.press("until [ \"$(stty size)\" = '49 77' ]; do :; done; echo resi''zed\n")
	p.await("resized\r\n")

	p.press("sh -c 'echo slee''ping; exec sleep 1000'\n")
	p.await("sleeping\r\n")
	p.press("\x03") // ends the sleep and not the shell
	p.press("echo stat''us $?\nexit 5\n")
	p.await("status 130\r\n")
	require.Equal(t, 5, p.status(command))
	require.Equal(t, before, p.mode(), "the terminal is as it was")
}

func TestASignalDoesNotLeaveTheTerminalRaw(t *testing.T) {
	h := newHost(t)
	p := newPTY(t, 24, 80)
	before := p.mode()
	command := h.command("run", "-it", "--rm", "--network", "none", "base", "sh", "-c", "trap 'exit 9' TERM; sleep 1000 & echo ready; wait")
	p.start(command)
	p.await("ready\r\n")
	require.NotEqual(t, before, p.mode())
	require.NoError(t, command.Process.Signal(unix.SIGTERM))
	require.Equal(t, 9, p.status(command))
	require.Equal(t, before, p.mode())
}

func TestTheDetachKeysLeaveTheContainerRunning(t *testing.T) {
	h := newHost(t)
	p := newPTY(t, 24, 80)
	before := p.mode()
	command := h.command("run", "-it", "--name", "shell", "--network", "none", "base", "sh")
	p.start(command)
	p.press("echo he''llo\n")
	p.await("hello\r\n")
	p.press("\x10")
	p.press("\x11")
	require.Zero(t, p.status(command))
	require.Equal(t, before, p.mode())
	require.Equal(t, "running", h.ok("inspect", "-f", "{{.State.Status}}", "shell"))

	command = h.command("attach", "--detach-keys", "a,a,b", "shell")
	p.start(command)
	p.press("echo ma''ade\n") // it begins the keys, and goes on otherwise
	p.await("maade\r\n")
	p.press(": a") // the shell ignores what follows ":"
	p.press("aab")
	require.Zero(t, p.status(command))
	require.Equal(t, before, p.mode())

	command = h.command("attach", "shell")
	p.start(command)
	p.press("\necho ag''ain; exit 6\n")
	p.await("again\r\n")
	require.Equal(t, 6, p.status(command))
	require.Equal(t, before, p.mode())
}

func TestExecHasATerminalToo(t *testing.T) {
	h := newHost(t)
	h.ok("run", "-d", "--name", "web", "--network", "none", "base", "sleep", "1000")
	p := newPTY(t, 20, 60)
	command := h.command("exec", "-it", "web", "sh")
	p.start(command)
	p.press("stty size; exit 8\n")
	p.await("20 60\r\n")
	require.Equal(t, 8, p.status(command))
}

func TestTheStepsAreToldOnATerminalThatStillEndsItsLines(t *testing.T) {
	h := newHost(t)
	p := newPTY(t, 24, 200)
	command := h.command("run", "-it", "--rm", "--explain", "--network", "none", "base", "echo", "hello")
	p.start(command)
	p.await("docs/01-namespaces.md#namespacesclone)\r\n")
	p.await("hello\r\n")
	require.Zero(t, p.status(command))
}

func TestATerminalIsGivenBackWhenTheStartFails(t *testing.T) {
	h := newHost(t)
	p := newPTY(t, 24, 80)
	before := p.mode()
	command := h.command("run", "-it", "--rm", "--network", "none", "base", "nosuchprogram")
	p.start(command)
	p.await("nosuchprogram")
	require.Equal(t, 127, p.status(command))
	require.Equal(t, before, p.mode())
}
