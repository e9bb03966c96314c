package cli

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// Wherever it was killed: who types the line again has what he wanted, or is
// told that he has it.
func TestAConnectThatWasKilledIsDoneByTheSameLine(t *testing.T) {
	notrace.NeedTool(t, "strace")
	h := newHost(t)
	h.ok("network", "create", "net")
	h.ok("run", "-d", "--name", "c", "-p", "127.0.0.1::80", "base", "sleep", "1000")
	line := func(verb string) []string {
		if verb == "connect" {
			return []string{"network", "connect", "--gw-priority", "1", "net", "c"}
		}
		return []string{"network", verb, "net", "c"}
	}
	off := func(where string) {
		require.NotContains(t, h.ok("exec", "c", "ip", "link"), "eth1", where)
		require.Empty(t, h.ok("network", "inspect", "-f", "{{range .Containers}}{{.IPv4Address}} {{end}}", "net"), where)
		require.Contains(t, h.ok("exec", "c", "ip", "route"), "default via", where)
	}
	again := func(verb, done, where string) {
		if r := h.cooper(line(verb)...); r.code != 0 {
			require.Contains(t, r.stderr, done, where)
		}
	}
	for _, call := range []string{"symlinkat", "unlinkat", "mkdirat", "renameat", "setns", "sendto", "sendmsg"} {
		for n := 1; ; n++ {
			require.Less(t, n, sweepEnd)
			where := fmt.Sprintf("%s %d", call, n)
			connectKilled := h.killedAt(call, n, line("connect"))
			again("connect", "already exists in network net", where)
			require.Equal(t, 1, strings.Count(h.ok("exec", "c", "ip", "-o", "-4", "addr"), ": eth1 "), where)
			require.Len(t, strings.Fields(h.ok("network", "inspect", "-f", "{{range .Containers}}{{.IPv4Address}} {{end}}", "net")), 1, where)

			disconnectKilled := h.killedAt(call, n, line("disconnect"))
			again("disconnect", "is not connected to network net", where)
			off(where)

			h.killedAt(call, n, line("connect"))
			again("disconnect", "is not connected to network net", where)
			off(where)
			if !connectKilled && !disconnectKilled {
				break
			}
		}
	}
}

// The shim leads clients of loopback to the container's address, and is told
// last of all that it is another one.
func TestAShimThatWasNotToldOfAChangeIsToldByTheSameLine(t *testing.T) {
	notrace.NeedTool(t, "strace")
	h := newHost(t)
	h.ok("network", "create", "net")
	h.ok("run", "-d", "--name", "c", "-p", "127.0.0.1::80", "base", "sh", "-c", "while :; do echo hello | nc -l -p 80; done")
	h.ok("network", "connect", "net", "c")
	away := []string{"network", "disconnect", "bridge", "c"}
	require.True(t, h.killedAt("connect", 1, away))
	require.Contains(t, h.cooper(away...).stderr, "is not connected to network bridge")
	var answer []byte
	require.Eventually(t, func() bool { // until nc listens
		conn, err := net.Dial("tcp", h.ok("port", "c", "80"))
		if err == nil {
			answer, err = io.ReadAll(conn)
			conn.Close()
		}
		return err == nil && len(answer) > 0
	}, 10*time.Second, 50*time.Millisecond)
	require.Equal(t, "hello\n", string(answer))
}
