package rootfs

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// loadProfile loads a profile that permits everything but one file, as an
// administrator would, and unloads it when the test ends.
func loadProfile(t *testing.T, name string) {
	t.Helper()
	if !hasAppArmor() {
		t.Skip("this kernel has no AppArmor; the virtual machine's has")
	}
	notrace.NeedTool(t, "apparmor_parser")
	parser := func(action string) {
		cmd := exec.Command("apparmor_parser", action, "--skip-cache")
		cmd.Stdin = strings.NewReader("profile " + name + " flags=(attach_disconnected,mediate_deleted) {\n" +
			"file,\ncapability,\nnetwork,\nmount,\nsignal,\nptrace,\nunix,\ndeny /etc/secret rwklx,\n}\n")
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", output)
	}
	parser("--replace")
	t.Cleanup(func() { parser("--remove") })
}

func TestTheCommandIsConfinedByItsProfile(t *testing.T) {
	notrace.Check(t)
	const profile = "cooper-test"
	loadProfile(t, profile)
	const script = "cat /proc/self/attr/current; cat /etc/secret 2>&1"
	const confined = profile + " (enforce)\ncat: can't open '/etc/secret': Permission denied"

	first := box(t)
	first.Mounts = append(first.Mounts, loader()...)
	require.NoError(t, os.WriteFile(first.Rootfs+"/etc/secret", []byte("wine\n"), 0o644))
	pid := stay(t, first)
	require.Equal(t, "unconfined\nwine", says(t, joining(first, pid, "sh", "-c", script)))

	s := box(t, "sh", "-c", script)
	require.NoError(t, os.WriteFile(s.Rootfs+"/etc/secret", []byte("wine\n"), 0o644))
	s.ApparmorProfile = profile
	output, code := run(t, s)
	require.Equal(t, confined+"\n", output)
	require.Equal(t, 1, code)

	joins := joining(first, pid, "sh", "-c", script+"; true")
	joins.ApparmorProfile = profile
	require.Equal(t, confined, says(t, joins), "a command that joins, too")

	s = box(t, "true")
	s.ApparmorProfile = profile + "-none"
	require.ErrorIs(t, refused(t, s), unix.ENOENT)
}
