package cli

import (
	"fmt"
	"net/netip"

	"cooper/stage06-network"
	"cooper/stage07-cli/engine"
)

// parsePorts reads all the -p flags of a line.
func parsePorts(flags []string) ([]engine.Port, error) {
	var all []engine.Port
	for _, flag := range flags {
		ports, err := network.ParsePort(flag)
		if err != nil {
			return nil, err
		}
		all = append(all, ports...)
	}
	return all, nil
}

// portString writes a published port as ps shows it: 0.0.0.0:8080->80/tcp.
func portString(p engine.Port) string {
	return fmt.Sprintf("%s->%d/%s", hostSide(p), p.ContainerPort, p.Protocol)
}

// hostSide writes where a port is on the host: 0.0.0.0:8080 or [::1]:8080.
func hostSide(p engine.Port) string {
	address := p.HostIP
	if !address.IsValid() {
		address = netip.IPv4Unspecified()
	}
	return netip.AddrPortFrom(address, p.HostPort).String()
}
