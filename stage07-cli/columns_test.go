package cli

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

func twoContainers() *table {
	now := time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)
	return containerTable([]engine.Summary{
		{
			ID: strings.Repeat("a1", 32), Name: "web", Image: "debian:bookworm", Command: "sh -c 'while true; do date; done'",
			Created: now.Add(-3 * time.Minute), State: "running", Status: "Up 3 minutes",
			Ports:  []engine.Port{{HostPort: 8080, ContainerPort: 80, Protocol: "tcp"}, {HostIP: netip.MustParseAddr("::1"), HostPort: 53, ContainerPort: 53, Protocol: "udp"}},
			Labels: map[string]string{"b": "2", "a": "1"},
		},
		{ID: strings.Repeat("b2", 32), Name: "evil\x1b[2J", Image: "x", Command: "\x1b]0;t\a", Created: now, State: "exited", Status: "Exited (1) 1 second ago"},
	}, now, false)
}

func printed(t *testing.T, rows *table, format string) string {
	var out strings.Builder
	require.NoError(t, rows.print(&out, format))
	return out.String()
}

func TestTheTableHasDockersColumns(t *testing.T) {
	require.Equal(t, ""+
		"CONTAINER ID   IMAGE             COMMAND                  CREATED                  STATUS                    PORTS                                                       NAMES\n"+
		"a1a1a1a1a1a1   debian:bookworm   \"sh -c 'while true; …\"   3 minutes ago            Up 3 minutes              [::1]:53->53/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp   web\n"+
		"b2b2b2b2b2b2   x                 \"\\x1b]0;t\\a\"             Less than a second ago   Exited (1) 1 second ago                                                               evil\\x1b[2J\n",
		printed(t, twoContainers(), ""))
}

func TestAFormatChoosesWhatIsPrinted(t *testing.T) {
	require.Equal(t, "web running\nevil\\x1b[2J exited\n", printed(t, twoContainers(), "{{.Names}} {{.State}}"))
	require.Equal(t, "CONTAINER ID   LABELS\na1a1a1a1a1a1   a=1,b=2\nb2b2b2b2b2b2   \n", printed(t, twoContainers(), `table {{.ID}}\t{{.Labels}}`))
	require.Equal(t, "WEB\nEVIL\\X1B[2J\n", printed(t, twoContainers(), "{{upper .Names}}"))
	lines := strings.Split(printed(t, twoContainers(), "json"), "\n")
	require.Len(t, lines, 3)
	require.Contains(t, lines[0], `"Names":"web"`)
	require.Contains(t, lines[0], `"Ports":"[::1]:53->53/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"`)
	require.NotContains(t, lines[1], "\x1b")
}

func TestAnEmptyTableStillHasItsHeading(t *testing.T) {
	require.Equal(t, "DRIVER    VOLUME NAME\n", printed(t, volumeTable(nil), ""))
	require.Empty(t, printed(t, volumeTable(nil), "{{.Name}}"))
}

func TestAWrongFormatIsAWrongLine(t *testing.T) {
	for _, format := range []string{"{{.Nope}}", "{{", "table {{.Nope}}", "{{join .ID}}", "{{nosuch .ID}}"} {
		var out strings.Builder
		var usage *usageError
		require.ErrorAs(t, twoContainers().print(&out, format), &usage, format)
		require.Contains(t, usage.message, "--format")
		require.Empty(t, out.String())
	}
}
