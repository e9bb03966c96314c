package cli

import (
	"testing"

	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

// What is expected is what Docker 28 shows.
func TestPortsAreShownAsDockerShowsThem(t *testing.T) {
	for _, c := range []struct {
		published, exposed []string
		want               string
	}{
		{nil, nil, ""},
		{[]string{"8080:80"}, nil, "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"},
		{[]string{"127.0.0.1:53:53/udp"}, nil, "127.0.0.1:53->53/udp"},
		{[]string{"0.0.0.0:53:53"}, nil, "0.0.0.0:53->53/tcp"},
		{[]string{"[::1]:8080:80"}, nil, "[::1]:8080->80/tcp"},
		{nil, []string{"80/tcp"}, "80/tcp"},
		{nil, []string{"90/tcp", "80/tcp", "81/tcp"}, "80-81/tcp, 90/tcp"},
		{[]string{"127.0.0.1:8000:80"}, []string{"80/tcp", "80/udp"}, "80/udp, 127.0.0.1:8000->80/tcp"},
		{
			[]string{"8000-8001:80-81", "9000:9000", "9002-9003:9002-9003", "127.0.0.1:5353:53/udp", "[::1]:9009:9009"},
			[]string{"100/tcp", "101/tcp", "102/tcp", "103/tcp"},
			"0.0.0.0:9000->9000/tcp, [::]:9000->9000/tcp, 100-103/tcp, 0.0.0.0:9002-9003->9002-9003/tcp, [::]:9002-9003->9002-9003/tcp, " +
				"[::1]:9009->9009/tcp, 127.0.0.1:5353->53/udp, 0.0.0.0:8000->80/tcp, [::]:8000->80/tcp, 0.0.0.0:8001->81/tcp, [::]:8001->81/tcp",
		},
	} {
		ports, err := parsePorts(c.published)
		require.NoError(t, err, c.published)
		require.Equal(t, c.want, portList(ports, c.exposed))
	}
}

func TestOneWrongPortIsEnough(t *testing.T) {
	for _, wrong := range []string{"", "70000:80", "80:0", "http", "::1:80:80", "80/xyz", "8002-8000:80-82", "8000-8002:80-81", "8080:80\n"} {
		_, err := parsePorts([]string{"80", wrong})
		require.Error(t, err, wrong)
	}
}

func TestExposedPortsMayBeRanges(t *testing.T) {
	ports, err := parseExposed([]string{"80", "90-91/UDP", "65535-65535/sctp"})
	require.NoError(t, err)
	require.Equal(t, []string{"80/tcp", "90/udp", "91/udp", "65535/sctp"}, ports)
	for _, wrong := range []string{"", "0", "frob", "80:80", "90-80", "80/frob", "80-", "-1", "65536", "80/tcp/udp", "1-70000"} {
		_, err := parseExposed([]string{"80", wrong})
		require.ErrorContains(t, err, "--expose: ", wrong)
		require.ErrorIs(t, err, engine.ErrInvalid)
	}
}
