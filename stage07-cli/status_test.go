package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheExitStatusIsTheContainersOwn(t *testing.T) {
	h := newHost(t)
	before := h.state()
	for _, c := range []struct {
		line   []string
		code   int
		stderr string
	}{
		{[]string{"true"}, 0, ""},
		{[]string{"false"}, 1, ""},
		{[]string{"sh", "-c", "exit 42"}, 42, ""},
		{[]string{"sh", "-c", "exit 255"}, 255, ""},
		{[]string{"sh", "-c", "exec 2>/dev/null; sh -c 'kill -9 $$'; exit $?"}, 137, ""},
		{[]string{"nosuchprogram"}, 127, "nosuchprogram"},
		{[]string{"/nosuch/program"}, 127, "/nosuch/program"},
		{[]string{"/etc"}, 126, "/etc"},
	} {
		r := h.cooper(append([]string{"run", "--rm", "--network", "none", "base"}, c.line...)...)
		require.Equal(t, c.code, r.code, "%q: %s", c.line, r.stderr)
		if c.stderr == "" {
			require.Empty(t, r.stderr)
		} else {
			require.Contains(t, r.stderr, c.stderr)
			require.Contains(t, r.stderr, "cooper: ")
		}
	}
	require.Equal(t, before, h.state())
}

func TestExecAndStartAndWaitEndLikeTheirCommand(t *testing.T) {
	h := newHost(t)
	h.ok("run", "-d", "--network", "none", "--name", "web", "base", "sh", "-c", "sleep 1000 & trap 'exit 7' TERM; wait")
	require.Equal(t, 5, h.cooper("exec", "web", "sh", "-c", "exit 5").code)
	require.Equal(t, 127, h.cooper("exec", "web", "nosuchprogram").code)
	require.Equal(t, 126, h.cooper("exec", "web", "/etc").code)
	require.Equal(t, 1, h.cooper("exec", "nosuch", "true").code)
	require.Equal(t, "web", h.ok("kill", "-s", "TERM", "web"))
	require.Equal(t, "7", h.ok("wait", "web"))
	require.Equal(t, 1, h.cooper("exec", "web", "true").code)

	h.ok("create", "--network", "none", "--name", "three", "base", "sh", "-c", "echo hello; exit 3")
	r := h.cooper("start", "-a", "three")
	require.Equal(t, result{3, "hello\n", ""}, r)
	require.Equal(t, "3", h.ok("wait", "three"))

	h.ok("run", "-d", "--network", "none", "--name", "killed", "base", "sleep", "1000")
	h.ok("kill", "killed")
	require.Equal(t, "137", h.ok("wait", "killed"))
	h.ok("rm", "web", "three", "killed")
}
