package network

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A Port leads from an address and port of the host to a port of the container.
type Port struct {
	HostIP        netip.Addr `json:"hostIP,omitzero"`        // the zero Addr is every address of the host
	HostPort      uint16     `json:"hostPort"`               // 0 lets Listen take a free one
	HostPortLast  uint16     `json:"hostPortLast,omitempty"` // if it isn't 0, any from HostPort on to this one will do
	ContainerPort uint16     `json:"containerPort"`
	Protocol      string     `json:"protocol"` // TCP or UDP
}

// The transport protocols whose ports can be published.
const (
	TCP = "tcp"
	UDP = "udp"
)

// String returns the port as ParsePort reads it.
func (p Port) String() string {
	return fmt.Sprintf("%s:%d/%s", p.hostSide(), p.ContainerPort, p.Protocol)
}

// hostSide returns "0.0.0.0:8080", the side that must be free.
func (p Port) hostSide() string {
	ip := p.HostIP
	if !ip.IsValid() {
		ip = netip.IPv4Unspecified()
	}
	side := netip.AddrPortFrom(ip, p.HostPort).String()
	if p.HostPortLast != 0 {
		side += fmt.Sprintf("-%d", p.HostPortLast)
	}
	return side
}

// everywhere reports whether the port is on every address of the host.
func (p Port) everywhere() bool { return !p.HostIP.IsValid() || p.HostIP.IsUnspecified() }

// ParsePort reads what -p takes:
//
//	[[HOST_IP:][HOST_PORT]:]CONTAINER_PORT[/tcp|/udp]
//
// Both ports may be ranges of the same length (8000-8010:80-90), and each pair
// is a Port of its own. Of a range for one port (8000-8010:80) the first that is
// free is taken when the container starts, and of all ports a free one without
// a host port. An IPv6 address stands in brackets.
func ParsePort(flag string) ([]Port, error) {
	rest, protocol, err := cutProtocol(flag)
	if err != nil {
		return nil, fmt.Errorf("port %q: %w", flag, err)
	}
	host, container := "", rest
	if i := strings.LastIndex(rest, ":"); i >= 0 {
		host, container = rest[:i], rest[i+1:]
	}
	ip, host, err := cutAddress(host)
	if err != nil {
		return nil, fmt.Errorf("port %q: %w", flag, err)
	}
	to, err := parseRange(container)
	if err != nil {
		return nil, fmt.Errorf("port %q: container port: %w", flag, err)
	}
	if to.first == 0 {
		return nil, fmt.Errorf("port %q: container port: use 1 to 65535", flag)
	}
	from := portRange{}
	if host != "" {
		if from, err = parseRange(host); err != nil {
			return nil, fmt.Errorf("port %q: host port: %w", flag, err)
		}
	}
	return pairUp(flag, Port{HostIP: ip, Protocol: protocol}, from, to)
}

// pairUp makes one Port of each pair of the two ranges.
func pairUp(flag string, like Port, from, to portRange) ([]Port, error) {
	anyFree := from == portRange{}
	oneOf := from.size() > 1 && to.size() == 1
	if !anyFree && !oneOf && from.size() != to.size() {
		return nil, fmt.Errorf("port %q: %d host ports for %d container ports: give ranges of the same length, or one container port",
			flag, from.size(), to.size())
	}
	if !anyFree && from.first == 0 {
		return nil, fmt.Errorf("port %q: host port: a range begins at 1", flag)
	}
	ports := make([]Port, to.size())
	for i := range ports {
		ports[i] = like
		ports[i].ContainerPort = to.first + uint16(i)
		if !anyFree {
			ports[i].HostPort = from.first + uint16(i)
		}
		if oneOf {
			ports[i].HostPortLast = from.last
		}
	}
	return ports, nil
}

func cutProtocol(flag string) (rest, protocol string, err error) {
	rest, protocol, given := strings.Cut(flag, "/")
	if !given {
		return rest, TCP, nil
	}
	switch strings.ToLower(protocol) {
	case TCP:
		return rest, TCP, nil
	case UDP:
		return rest, UDP, nil
	}
	return "", "", fmt.Errorf("protocol %q: use tcp or udp", protocol)
}

// cutAddress splits "127.0.0.1:8080", "[::1]:8080", "8080" or "".
func cutAddress(host string) (netip.Addr, string, error) {
	i := strings.LastIndex(host, ":")
	if i < 0 {
		return netip.Addr{}, host, nil
	}
	text, port := host[:i], host[i+1:]
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	ip, err := netip.ParseAddr(bare)
	if err != nil || ip.Zone() != "" {
		return netip.Addr{}, "", fmt.Errorf("host address %q: not an IP address", text)
	}
	if ip = ip.Unmap(); ip.Is6() != strings.HasPrefix(text, "[") {
		return netip.Addr{}, "", fmt.Errorf("host address %q: write an IPv6 address as [::1]", text)
	}
	return ip, port, nil
}

type portRange struct{ first, last uint16 }

func (r portRange) size() int { return int(r.last) - int(r.first) + 1 }

func parseRange(text string) (portRange, error) {
	low, high, isRange := strings.Cut(text, "-")
	first, err := parseNumber(low)
	if err != nil || !isRange {
		return portRange{first, first}, err
	}
	last, err := parseNumber(high)
	if err == nil && last < first {
		err = fmt.Errorf("range %q: runs backwards", text)
	}
	return portRange{first, last}, err
}

// parseNumber takes digits alone; ParseUint takes no sign and no space.
func parseNumber(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q: use a number from 1 to 65535", text)
	}
	return uint16(n), nil
}
