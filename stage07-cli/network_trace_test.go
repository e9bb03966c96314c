package cli

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a trace finds is tested where it is made; here it is asked for.
func TestATraceOfAContainersPacket(t *testing.T) {
	h := newHostApart(t)
	h.ok("network", "create", "--internal", "shop")
	h.ok("run", "-d", "--name", "web", "--network", "shop", "base", "sleep", "1000")
	h.ok("run", "-d", "--name", "client", "--network", "shop", "base", "sleep", "1000")

	out := h.ok("network", "trace", "client", "web")
	require.Regexp(t, `^client → web, icmp\n\nin client\n  name        web is [0-9.]+, says name server 127\.0\.0\.11 of /etc/resolv\.conf\n`, out)
	require.Regexp(t, `\n  bridge      switches it from port veth\w+ to port veth\w+ \(web\)\n`, out)
	require.Regexp(t, `\n✓ delivered, answered in [0-9.]+ ms$`, out)

	for _, line := range [][]string{{"client", "web:81"}, {"--udp", "client", "web:81"}, {"--timeout", "1", "client", "web:81"}} {
		r := h.cooper(append([]string{"network", "trace"}, line...)...)
		require.Equal(t, 1, r.code, line)
		require.Contains(t, r.stdout, "\n✗ delivered, and refused in ", line)
		require.Empty(t, r.stderr, line)
	}

	r := h.cooper("network", "trace", "--json", "client", "nobody.example:80")
	require.Equal(t, 1, r.code)
	var report struct{ Container, Destination, Protocol, Result string }
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &report))
	require.Equal(t, struct{ Container, Destination, Protocol, Result string }{"client", "nobody.example:80", "tcp", "unknown"}, report)

	h.ok("stop", "-t", "0", "web")
	for want, line := range map[string][]string{
		"is not running":          {"web", "client"},
		"No such container: gone": {"gone", "client"},
		"give HOST or HOST:PORT":  {"client", "web:0"},
		"give a port":             {"--udp", "client", "web"},
	} {
		r := h.cooper(append([]string{"network", "trace"}, line...)...)
		require.NotZero(t, r.code, line)
		require.Contains(t, r.stderr, want, line)
		require.Empty(t, r.stdout, line)
	}
}
