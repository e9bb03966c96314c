package namespaces

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// S13
func TestTheCallersKeysStayWithTheCaller(t *testing.T) {
	notrace.Check(t)
	var output, kept string
	s := tellingKeys(everything())
	withKey(t, func() {
		output, _ = run(t, s)
		s.NoNewKeyring = true
		kept, _ = run(t, s)
	})
	require.Equal(t, "ticket: required key not available, session: _ses."+s.ID+"\n", output)
	require.Equal(t, "ticket: secret, session: _ses\n", kept)
}

// S13
func TestWhoJoinsHasTheContainersKeyringAndNotTheCallers(t *testing.T) {
	notrace.Check(t)
	for name, s := range map[string]*Spec{"root": everything("sleep", "1000"), "root of a user namespace": inUserNamespace("sleep", "1000")} {
		t.Run(name, func(t *testing.T) {
			target := start(t, s)
			withKey(t, func() {
				for range 2 {
					output, _ := run(t, tellingKeys(&Spec{ID: s.ID, Target: target.Pid}))
					require.Equal(t, "ticket: required key not available, session: _ses."+s.ID+"\n", output)
				}
			})
			require.Equal(t, 1, strings.Count(keysOf(t, target), "_ses."+s.ID))
		})
	}
}

// S13
func TestKeyringsGoWithTheirContainers(t *testing.T) {
	notrace.Check(t)
	var names []string
	for range 50 {
		s := inUserNamespace("true") // a user with a quota of 200
		names = append(names, " _ses."+s.ID)
		_, code := run(t, s)
		require.Zero(t, code)
	}
	require.Eventually(t, func() bool {
		text, err := os.ReadFile("/proc/keys")
		require.NoError(t, err)
		return !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(string(text), name) })
	}, 10*time.Second, 10*time.Millisecond, "what no process has any more, the kernel collects")
}

func keysOf(t *testing.T, target *Process) string {
	t.Helper()
	output, code := run(t, &Spec{Args: []string{"cat", "/proc/keys"}, NoNewKeyring: true, Target: target.Pid})
	require.Zero(t, code)
	return output
}

func tellingKeys(s *Spec) *Spec {
	s.Args = []string{"/proc/self/exe", "-test.run=^TestHelperTellsKeys$"}
	s.Env = []string{"KEYS=1"}
	return s
}

// TestHelperTellsKeys is a command that uses its session's keys.
func TestHelperTellsKeys(t *testing.T) {
	if os.Getenv("KEYS") == "" {
		return
	}
	buffer := make([]byte, 100)
	ticket := ""
	key, err := unix.KeyctlSearch(unix.KEY_SPEC_SESSION_KEYRING, "user", "ticket-of-the-caller", 0)
	if err == nil {
		n, readErr := unix.KeyctlBuffer(unix.KEYCTL_READ, key, buffer, 0)
		ticket, err = string(buffer[:max(n, 0)]), readErr
	}
	if err != nil {
		ticket = err.Error()
	}
	session, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, unix.KEY_SPEC_SESSION_KEYRING)
	require.NoError(t, err)
	fmt.Printf("ticket: %s, session: %s\n", ticket, session[strings.LastIndex(session, ";")+1:])
	os.Exit(0)
}

// withKey runs f on a thread with a session keyring that holds a key, and which
// Launch stays on. The thread must not end with that: it may be the parent of a
// container.
func withKey(t *testing.T, f func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if unix.Gettid() == unix.Getpid() { // Launch would leave it
		done := make(chan struct{})
		go func() { defer close(done); withKey(t, f) }()
		<-done
		return
	}
	_, err := joinSessionKeyring("")
	require.NoError(t, err)
	defer func() {
		_, err := joinSessionKeyring("")
		require.NoError(t, err)
	}()
	_, err = unix.AddKey("user", "ticket-of-the-caller", []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING)
	require.NoError(t, err)
	f()
}
