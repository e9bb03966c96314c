package namespaces

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// S03
func TestTheChildCannotBeAttachedToWhileItTakesItsSteps(t *testing.T) {
	notrace.Check(t)
	s := everything("true")
	s.Hostname = "tells-dumpable"
	_, _, err := try(t, s)
	require.EqualError(t, err, "namespaces/test: dumpable is 0")
}

// S03: the same for its time before the exec, of a child that joins. The other
// kind is the proof that there is something to see.
func TestAChildOfTheDoorCannotBeAttachedToBeforeItsExec(t *testing.T) {
	notrace.Check(t)
	target := start(t, everything("sleep", "1000"))
	joined := Namespace{Kind: PID, Path: fmt.Sprintf("/proc/%d/ns/pid", target.Pid)}
	for name, c := range map[string]struct {
		with []Namespace
		want error
	}{"a child": {nil, nil}, "a child of the door": {[]Namespace{joined}, unix.EACCES}} {
		t.Run(name, func(t *testing.T) {
			s := &Spec{Args: []string{"true"}, Namespaces: c.with}
			s.RunAsRootOf(0, 0)
			p := &Process{}
			steps := Clone(s, p)
			require.NoError(t, Take(steps[:1], nil)) // it waits for its ids
			defer p.Close()
			defer func() { require.NoError(t, Undo(steps)) }()
			var err error
			withoutCapability(t, unix.CAP_SYS_PTRACE, func() { _, err = os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.Pid)) })
			require.ErrorIs(t, err, c.want)
		})
	}
}

// withoutCapability takes one from this thread meanwhile.
func withoutCapability(t *testing.T, number int, do func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var have [2]unix.CapUserData
	require.NoError(t, unix.Capget(&header, &have[0]))
	fewer := have
	fewer[number/32].Effective &^= 1 << (number % 32)
	require.NoError(t, unix.Capset(&header, &fewer[0]))
	do()
	require.NoError(t, unix.Capset(&header, &have[0]))
}
