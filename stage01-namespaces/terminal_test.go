package namespaces

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestJobControlWorksInAnInteractiveShell(t *testing.T) {
	notrace.Check(t)
	for _, init := range []bool{false, true} {
		s := everything("sh", "-i")
		s.Terminal, s.Init = true, init
		s.Env = append(s.Env, "PS1=ready> ")
		p := start(t, s)
		require.NotContains(t, readUntil(t, p.Console, "ready> "), "job control")
		shell := foreground(t, p.Console)
		// A signal that is typed before the shell's child has become sleep finds
		// it as deaf as the shell.
		inForeground := func(sleep bool) func() bool {
			return func() bool {
				group := foreground(t, p.Console)
				return (group != shell) == sleep && strings.Contains(proc(group, "cmdline"), "1000") == sleep
			}
		}

		typeInto(t, p, "sleep 1000\n")
		require.Eventually(t, inForeground(true), 10*time.Second, time.Millisecond, "sleep has the terminal")
		typeInto(t, p, "\x1a") // ^Z
		readUntil(t, p.Console, "topped")
		require.Eventually(t, inForeground(false), 10*time.Second, time.Millisecond, "the shell has it back")
		typeInto(t, p, "fg\n")
		require.Eventually(t, inForeground(true), 10*time.Second, time.Millisecond, "sleep has it again")
		typeInto(t, p, "\x03") // ^C
		require.Eventually(t, inForeground(false), 10*time.Second, time.Millisecond, "^C ended sleep, and not the shell")
		typeInto(t, p, "echo status $?\n")
		readUntil(t, p.Console, "status 130")
		typeInto(t, p, "exit 5\n")
		status, err := p.Wait()
		require.NoError(t, err)
		require.Equal(t, 5, ExitStatus(status))
	}
}

// foreground returns the terminal's foreground process group.
func foreground(t *testing.T, console *os.File) int {
	group, err := unix.IoctlGetInt(int(console.Fd()), unix.TIOCGPGRP)
	require.NoError(t, err)
	return group
}

func typeInto(t *testing.T, p *Process, text string) {
	t.Helper()
	_, err := p.Console.WriteString(text)
	require.NoError(t, err)
}

// S12
func TestACommandCannotTypeIntoTheCallersTerminal(t *testing.T) {
	notrace.Check(t)
	master, err := openMultiplexer()
	require.NoError(t, err)
	defer master.Close()
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, master.Fd(), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	require.Zero(t, errno)
	terminal := os.NewFile(peer, "terminal")
	defer terminal.Close()
	// A shell's session on that terminal, in which we are called.
	caller := exec.Command("/proc/self/exe", "-test.run=^TestHelperCallsFromATerminal$")
	caller.Env = append(os.Environ(), "CALL=1")
	caller.Stdin = terminal
	caller.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	output, err := caller.CombinedOutput()
	require.NoError(t, err)
	require.Regexp(t, "^type: (operation not permitted|input/output error)$", string(output))
}

// TestHelperCallsFromATerminal starts a container whose root is nobody to the
// host, with the caller's terminal as its stdin.
func TestHelperCallsFromATerminal(t *testing.T) {
	if os.Getenv("CALL") == "" {
		return
	}
	s := inUserNamespace("/proc/self/exe", "-test.run=^TestHelperTypes$")
	s.Env = append(s.Env, "TYPE=1")
	p := &Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	require.NoError(t, Launch(p, Outside(s, p)))
	_, err := p.Wait()
	require.NoError(t, err)
	os.Exit(0)
}

// TestHelperTypes tries to type into its stdin's terminal.
func TestHelperTypes(t *testing.T) {
	if os.Getenv("TYPE") == "" {
		return
	}
	key := byte('x')
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, 0, unix.TIOCSTI, uintptr(unsafe.Pointer(&key)))
	fmt.Printf("type: %v", errno)
	os.Exit(0)
}
