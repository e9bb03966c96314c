package network

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAPortFlagNamesBothSides(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	for flag, want := range map[string][]Port{
		"8080:80":                {{HostPort: 8080, ContainerPort: 80, Protocol: TCP}},
		"8080:80/tcp":            {{HostPort: 8080, ContainerPort: 80, Protocol: TCP}},
		"53:53/UDP":              {{HostPort: 53, ContainerPort: 53, Protocol: UDP}},
		"80":                     {{ContainerPort: 80, Protocol: TCP}},
		"0:80":                   {{ContainerPort: 80, Protocol: TCP}},
		":80":                    {{ContainerPort: 80, Protocol: TCP}},
		"127.0.0.1:8080:80":      {{HostIP: local, HostPort: 8080, ContainerPort: 80, Protocol: TCP}},
		"127.0.0.1::80/udp":      {{HostIP: local, ContainerPort: 80, Protocol: UDP}},
		"0.0.0.0:8080:80":        {{HostIP: netip.IPv4Unspecified(), HostPort: 8080, ContainerPort: 80, Protocol: TCP}},
		"[::1]:8080:80":          {{HostIP: netip.IPv6Loopback(), HostPort: 8080, ContainerPort: 80, Protocol: TCP}},
		"65535:65535":            {{HostPort: 65535, ContainerPort: 65535, Protocol: TCP}},
		"8000-8001:80-81":        {{HostPort: 8000, ContainerPort: 80, Protocol: TCP}, {HostPort: 8001, ContainerPort: 81, Protocol: TCP}},
		"80-81":                  {{ContainerPort: 80, Protocol: TCP}, {ContainerPort: 81, Protocol: TCP}},
		"8000-8010:80":           {{HostPort: 8000, HostPortLast: 8010, ContainerPort: 80, Protocol: TCP}},
		"[::1]:90-91:80/udp":     {{HostIP: netip.IPv6Loopback(), HostPort: 90, HostPortLast: 91, ContainerPort: 80, Protocol: UDP}},
		"127.0.0.1:90-90:80/udp": {{HostIP: local, HostPort: 90, ContainerPort: 80, Protocol: UDP}},
	} {
		got, err := ParsePort(flag)
		require.NoError(t, err, flag)
		require.Equal(t, want, got, flag)
	}
}

func TestAWrongPortFlagIsRefusedWithAReason(t *testing.T) {
	for flag, reason := range map[string]string{
		"":                   `use a number from 1 to 65535`,
		"0":                  `container port: use 1 to 65535`,
		"8080:0":             `container port: use 1 to 65535`,
		"70000:80":           `host port: "70000": use a number`,
		"8080:70000":         `container port: "70000": use a number`,
		"-1:80":              `host port`,
		"+80:80":             `host port`,
		" 80:80":             `host port`,
		"a:80":               `host port`,
		"8080:80/sctp":       `protocol "sctp": use tcp or udp`,
		"8080:80/tcp/udp":    `protocol "tcp/udp"`,
		"::1:80:80":          `write an IPv6 address as [::1]`,
		"[127.0.0.1]:80:80":  `write an IPv6 address as [::1]`,
		"[fe80::1%eth0]:1:1": `not an IP address`,
		"example.org:80:80":  `not an IP address`,
		"1.2.3:80:80":        `not an IP address`,
		"8000-8002:80-81":    `3 host ports for 2 container ports`,
		"8000:80-81":         `1 host ports for 2 container ports`,
		"0-9:80":             `a range begins at 1`,
		"0-1:80-81":          `a range begins at 1`,
		"81-80":              `runs backwards`,
		"80-":                `use a number`,
	} {
		_, err := ParsePort(flag)
		require.ErrorContains(t, err, reason, flag)
	}
}

func FuzzParsePort(f *testing.F) {
	for _, flag := range []string{"8080:80", "127.0.0.1:8000-8010:80-90/udp", "8000-8010:80", "[::1]:1:1", "80", "-", "::", "[]:1:1"} {
		f.Add(flag)
	}
	f.Fuzz(func(t *testing.T, flag string) {
		ports, err := ParsePort(flag)
		if err != nil {
			require.Empty(t, ports)
			return
		}
		for _, port := range ports {
			require.NotZero(t, port.ContainerPort, "no container port is 0")
			again, err := ParsePort(port.String())
			require.NoError(t, err, "what String prints is read again")
			require.Len(t, again, 1)
			require.Equal(t, port.hostSide(), again[0].hostSide())
			require.Equal(t, port.ContainerPort, again[0].ContainerPort)
		}
	})
}
