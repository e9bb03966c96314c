package namespaces

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A container with all capabilities, CAP_SYS_PTRACE among them, looks at every
// process that comes into its pid namespace, as fast as it can.

// S03
func TestAProcessThatJoinsHasNothingOfTheHostsToSteal(t *testing.T) {
	notrace.Check(t)
	secret, err := os.Create(filepath.Join(t.TempDir(), "secret-of-the-host"))
	require.NoError(t, err)
	defer secret.Close()
	for name, s := range map[string]*Spec{"root": spying(everything()), "root of a user namespace": spying(inUserNamespace())} {
		t.Run(name, func(t *testing.T) {
			seen := spyOnJoins(t, s, func(sighting string) bool { return strings.Contains(sighting, "container-init") })
			require.NotContains(t, seen, "secret-of-the-host")
		})
	}
}

// S03: before its exec the child is a copy of us, and the spy has microseconds
// for it. One that waits there for its ids can be looked at in peace: it holds
// the descriptors of the protocol, and no others.
func TestAChildHoldsTheProtocolsDescriptorsAloneBeforeItsExec(t *testing.T) {
	notrace.Check(t)
	secret, err := os.Create(filepath.Join(t.TempDir(), "secret-of-the-host"))
	require.NoError(t, err)
	defer secret.Close()
	target := start(t, everything("sleep", "1000"))
	joined := Namespace{Kind: PID, Path: fmt.Sprintf("/proc/%d/ns/pid", target.Pid)}
	for name, with := range map[string][]Namespace{"a child": nil, "a child of the door": {joined}} {
		t.Run(name, func(t *testing.T) {
			s := &Spec{Args: []string{"true"}, Namespaces: with}
			s.RunAsRootOf(0, 0)
			p := &Process{}
			steps := Clone(s, p)
			require.NoError(t, Take(steps[:1], nil))
			defer p.Close()
			defer func() { require.NoError(t, Undo(steps)) }()
			var held []string
			require.Eventually(t, func() bool {
				entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.Pid))
				held = held[:0]
				for _, entry := range entries {
					held = append(held, entry.Name())
				}
				return err == nil && slices.Equal(held, []string{"0", "1", "2", "3", "4", "5", strconv.Itoa(mappedFD)})
			}, 5*time.Second, time.Millisecond, "%v", &held)
		})
	}
}

// S01
func TestAContainerCannotWriteToTheBinaryThatJoinsIt(t *testing.T) {
	notrace.Check(t)
	seen := spyOnJoins(t, spying(everything()), func(sighting string) bool { return strings.Contains(sighting, "container-init opens") })
	for line := range strings.Lines(seen) {
		if strings.Contains(line, "container-init opens") {
			require.Equal(t, "container-init opens "+unix.EROFS.Error()+"\n", line)
		}
	}
}

func spying(s *Spec) *Spec {
	s.Args = []string{"/proc/self/exe", "-test.run=^TestHelperSpies$"}
	s.Env = append(s.Env, "SPY=1")
	return s
}

// spyOnJoins joins the spy's container until it has seen what it was to see,
// and returns all that it saw.
func spyOnJoins(t *testing.T, s *Spec, enough func(sighting string) bool) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	spy := &Process{Stdout: writer, Stderr: writer}
	outside := Outside(s, spy)
	require.NoError(t, Launch(spy, outside))
	writer.Close()
	lines := bufio.NewScanner(reader)
	require.True(t, lines.Scan())
	require.Equal(t, "ready", lines.Text())
	sightings := make(chan string, 10_000)
	go func() {
		defer close(sightings)
		for lines.Scan() {
			sightings <- lines.Text()
		}
	}()
	var all strings.Builder
	found := 0
	for joins := 0; found < 50 && joins < 1000; joins++ {
		_, code := run(t, &Spec{Args: []string{"true"}, Env: s.Env, Target: spy.Pid})
		require.Zero(t, code)
		for len(sightings) > 0 {
			sighting := <-sightings
			if enough(sighting) {
				found++
			}
			all.WriteString(sighting + "\n")
		}
	}
	require.NoError(t, Undo(outside))
	require.NoError(t, spy.Close())
	for sighting := range sightings {
		all.WriteString(sighting + "\n")
	}
	require.NotZero(t, found, "the spy saw nothing: %s", all.String())
	return all.String()
}

// TestHelperSpies is the spy: it writes a line for each process and descriptor.
func TestHelperSpies(t *testing.T) {
	if os.Getenv("SPY") == "" {
		return
	}
	fmt.Println("ready")
	self := strconv.Itoa(os.Getpid())
	for {
		entries, err := os.ReadDir("/proc")
		require.NoError(t, err)
		for _, entry := range entries {
			if _, err := strconv.Atoi(entry.Name()); err == nil && entry.Name() != self {
				spyOn("/proc/" + entry.Name())
			}
		}
	}
}

func spyOn(process string) {
	name := argv0(process)
	descriptors, _ := os.ReadDir(process + "/fd")
	for _, fd := range descriptors {
		if target, err := os.Readlink(process + "/fd/" + fd.Name()); err == nil {
			fmt.Println(name, "holds", target)
		}
	}
	exe, err := os.OpenFile(process+"/exe", unix.O_PATH, 0)
	if err != nil {
		return
	}
	defer exe.Close()
	if argv0(process) != name {
		return // it has become something else meanwhile: whose exe is it?
	}
	writable, err := os.OpenFile(procPath(exe), os.O_RDWR, 0)
	if err == nil {
		writable.Close()
	}
	fmt.Println(name, "opens", errors.Unwrap(err))
}

func argv0(process string) string {
	text, _ := os.ReadFile(process + "/cmdline")
	name, _, _ := strings.Cut(string(text), "\x00")
	return name
}

// S20
func TestAPidThatIsNotOurChildIsNotAdopted(t *testing.T) {
	notrace.Check(t)
	p := &Process{}
	err := p.adopt(os.Getppid())
	require.ErrorIs(t, err, unix.ECHILD)
	require.Zero(t, p.Pid, "Undo would kill it")
}

func TestNothingButATerminalIsTakenForTheTerminal(t *testing.T) {
	notrace.Check(t)
	multiplexer, err := openMultiplexer()
	require.NoError(t, err)
	defer multiplexer.Close()
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	for _, c := range []struct {
		sent []int
		want string
	}{
		{[]int{int(multiplexer.Fd())}, ""},
		{[]int{int(null.Fd())}, "receive the terminal: got 1 files, inappropriate ioctl for device"},
		{[]int{int(multiplexer.Fd()), int(null.Fd())}, "receive the terminal: got 2 files, invalid argument"},
	} {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		events := os.NewFile(uintptr(pair[0]), "events")
		require.NoError(t, unix.Sendmsg(pair[1], []byte{'{'}, unix.UnixRights(c.sent...), nil, 0))
		_, console, err := receive(events)
		if c.want == "" {
			require.NoError(t, err)
			require.NoError(t, console.Close())
		} else {
			require.EqualError(t, err, c.want)
			require.Nil(t, console)
		}
		require.NoError(t, events.Close())
		require.NoError(t, unix.Close(pair[1]))
	}
}
