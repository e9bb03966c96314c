package cli

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPublishedPortIsShownAsDockerShowsIt(t *testing.T) {
	for given, want := range map[string]string{
		"8080:80":               "0.0.0.0:8080->80/tcp",
		"127.0.0.1:53:53/udp":   "127.0.0.1:53->53/udp",
		"[::1]:8080:80":         "[::1]:8080->80/tcp",
		"8000-8001:80-81":       "0.0.0.0:8000->80/tcp, 0.0.0.0:8001->81/tcp",
		"[2001:db8::1]:443:443": "[2001:db8::1]:443->443/tcp",
	} {
		ports, err := parsePorts([]string{given})
		require.NoError(t, err, given)
		require.Equal(t, want, portList(ports))
	}
}

func TestOneWrongPortIsEnough(t *testing.T) {
	for _, wrong := range []string{"", "70000:80", "80:0", "http", "::1:80:80", "80/xyz", "8002-8000:80-82", "8080:80\n"} {
		_, err := parsePorts([]string{"80", wrong})
		require.Error(t, err, wrong)
	}
}
