package namespaces

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// holding lists what the parent does for a child that is held before its exec.
func holding(s *Spec, p *Process, do func() error) []Step {
	p.HoldExec = true
	return append(Outside(s, p), Step{Name: "namespaces/test", Why: "to hold", Do: func() error { return p.BeforeExec(do) }})
}

// becomesReader waits until a child waits for its parent's word: in read(2), on
// the socket. No event tells of that, so we look until it's so. It's an error when
// it's the command by then.
func becomesReader(pid int) error {
	reads := fmt.Sprintf("%d 0x%x ", unix.SYS_READ, eventsFD)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if err != nil || string(name) != initName+"\x00" {
			return fmt.Errorf("no child of ours: %q (%v)", name, err)
		}
		if call, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid)); strings.HasPrefix(string(call), reads) {
			return nil
		}
	}
	return errors.New("it doesn't wait")
}

func TestAHeldChildWaitsForItsParentAndThenBecomesTheCommand(t *testing.T) {
	notrace.Check(t)
	for _, init := range []bool{false, true} {
		s := everything("true")
		s.Init, s.Explain = init, true
		var last, before string
		p := &Process{Watch: func(e Event) { last = e.Step }}
		outside := holding(s, p, func() error {
			before = last
			return becomesReader(p.Pid)
		})
		require.NoError(t, Launch(p, outside))
		require.Equal(t, stepExec, before, "nothing was left to do")
		status, err := p.Wait()
		require.NoError(t, err)
		require.Zero(t, ExitStatus(status))
		require.NoError(t, p.Close())
	}
}

func TestNobodyWaitsWhoIsNotHeld(t *testing.T) {
	notrace.Check(t)
	s := everything("true")
	s.HoldExec = true // as in a Spec from disk: it's the Process that counts
	_, code := run(t, s)
	require.Zero(t, code)
	require.False(t, s.HoldExec)
}

func TestAHeldChildThatFailsIsNoCommand(t *testing.T) {
	notrace.Check(t)
	for _, c := range []struct {
		command, hostname string
		held              bool
		code              int
		says              string
	}{
		{"no-such-command", "", false, 127, "namespaces/find_command: exec no-such-command: "},
		{"/no/such/command", "", true, 127, "namespaces/exec: exec /no/such/command: no such file or directory"},
		{"/dev/null", "", true, 126, "namespaces/exec: exec /dev/null: permission denied"},
		{"true", "fails-inside", false, 125, "namespaces/test: no such file or directory"},
	} {
		s := everything(c.command)
		s.Hostname = c.hostname
		p := &Process{}
		held := false
		err := Launch(p, holding(s, p, func() error { held = true; return nil }))
		require.ErrorContains(t, err, c.says)
		require.Equal(t, c.code, ExitCode(err), c.command)
		require.Equal(t, c.held, held, c.command)
		require.ErrorIs(t, unix.Kill(p.Pid, 0), unix.ESRCH)
	}
	s := everything("true")
	s.Hostname, s.Namespaces = "dies-inside", New(Mount, UTS)
	p := &Process{}
	require.ErrorContains(t, Launch(p, holding(s, p, func() error { panic("called") })), "the child ended before it became the command")
}

func TestAHeldChildEndsWithALaunchThatFails(t *testing.T) {
	notrace.Check(t)
	p := &Process{}
	s := everything("true")
	require.ErrorIs(t, Launch(p, holding(s, p, func() error { return unix.EIO })), unix.EIO)
	require.ErrorIs(t, unix.Kill(p.Pid, 0), unix.ESRCH)

	p = &Process{HoldExec: true}
	require.ErrorContains(t, Launch(p, Outside(s, p)), "no step has called BeforeExec")
	require.ErrorIs(t, unix.Kill(p.Pid, 0), unix.ESRCH)
}

// It reads end-of-file: no signal is set for it that would end it.
func TestAHeldChildEndsWithItsParent(t *testing.T) {
	notrace.Check(t)
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	parent := exec.Command("/proc/self/exe", "-test.run=^TestHelperHoldsForEver$", "-test.v")
	parent.Env = append(os.Environ(), "HOLD_FOR_EVER=true")
	parent.Stdout = writer
	require.NoError(t, parent.Start())
	writer.Close()
	pid := readPid(t, reader)
	pidfd, err := unix.PidfdOpen(pid, 0)
	require.NoError(t, err)
	defer unix.Close(pidfd)
	require.NoError(t, becomesReader(pid))
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait()
	ended := notrace.Ends(pidfd, 10*time.Second)
	_ = unix.Kill(pid, unix.SIGKILL)
	require.True(t, ended)
}

// TestHelperHoldsForEver is the parent that TestAHeldChildEndsWithItsParent kills.
func TestHelperHoldsForEver(t *testing.T) {
	if os.Getenv("HOLD_FOR_EVER") == "" {
		return
	}
	s := everything("sleep", "1000")
	s.OutliveParent = true
	p := &Process{}
	_ = Launch(p, holding(s, p, func() error {
		fmt.Printf("pid %d\n", p.Pid)
		select {}
	}))
}

func TestASealMustLetAHeldChildRead(t *testing.T) {
	reads := func(s *Spec) (n int) {
		for _, call := range SealedCalls(s) {
			if call.Number == unix.SYS_READ && call.Args != nil {
				n++
			}
		}
		return n
	}
	require.Equal(t, 0, reads(&Spec{}))
	require.Equal(t, 1, reads(&Spec{HoldExec: true}))
}
