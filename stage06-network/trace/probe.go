package trace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Probe says what is to be traced.
type Probe struct {
	Container string        // how the report calls it
	NetNS     string        // its network namespace: /proc/PID/ns/net
	Root      string        // where its files are: /proc/PID/root; "" where it has none of its own
	Host      string        // the destination, an address or a name
	Port      uint16        // 0 for an ICMP echo
	Protocol  string        // "tcp", which is the default with a port, or "udp"
	Timeout   time.Duration // how long to wait for an answer; 0 is 3 s
	Others    []Other       // containers that it may meet
}

// Other is a container that the report can name.
type Other struct {
	Name  string
	NetNS string // as in Probe
}

// ParseTarget splits HOST[:PORT]; an IPv6 address with a port is in brackets.
func ParseTarget(target string) (host string, port uint16, err error) {
	if _, err := netip.ParseAddr(target); err == nil {
		return target, 0, nil
	}
	host, number, err := net.SplitHostPort(target)
	if err != nil {
		return target, 0, nil // a name alone
	}
	wide, err := strconv.ParseUint(number, 10, 16)
	if err != nil || wide == 0 || host == "" {
		return "", 0, fmt.Errorf("read %q: give HOST or HOST:PORT, with a port from 1 to 65535", target)
	}
	return host, uint16(wide), nil
}

// protocol is tcp, udp or icmp.
func (p Probe) protocol() (string, error) {
	switch {
	case p.Port == 0 && p.Protocol != "" && p.Protocol != "icmp":
		return "", fmt.Errorf("trace %s to %s: give a port, as in %s:80", p.Protocol, p.Host, p.Host)
	case p.Port == 0:
		return "icmp", nil
	case p.Protocol == "":
		return "tcp", nil
	case p.Protocol != "tcp" && p.Protocol != "udp":
		return "", fmt.Errorf("trace to %s:%d: protocol %q is neither tcp nor udp", p.Host, p.Port, p.Protocol)
	}
	return p.Protocol, nil
}

// protocolNumber is the one in the IP header, see protocols(5).
func protocolNumber(protocol string, to netip.Addr) uint8 {
	switch {
	case protocol == "tcp":
		return unix.IPPROTO_TCP
	case protocol == "udp":
		return unix.IPPROTO_UDP
	case to.Is6():
		return unix.IPPROTO_ICMPV6
	}
	return unix.IPPROTO_ICMP
}

// Run sends one packet from the container and reports what became of it. That
// it doesn't arrive is no error.
func Run(ctx context.Context, p Probe) (*Report, error) {
	if p.Timeout == 0 {
		p.Timeout = 3 * time.Second
	}
	protocol, err := p.protocol()
	if err != nil {
		return nil, err
	}
	x := &experiment{probe: p, report: &Report{Container: p.Container, Destination: p.Host, Protocol: protocol}}
	if p.Port != 0 {
		x.report.Destination = net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port)))
	}
	err = x.run(ctx)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, fmt.Errorf("trace %s: tracing reads and writes the host's packet filter, which takes root: %w", p.Host, err)
	}
	if err != nil {
		return nil, fmt.Errorf("trace %s: %w", p.Host, err)
	}
	return x.report, nil
}
