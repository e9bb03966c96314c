package trace

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// packet is what the first bytes of a packet's headers tell. Where a protocol
// has no ports but an identifier (ICMP echo), source has it for its port.
type packet struct {
	protocol            uint8
	source, destination netip.AddrPort
	icmpType            uint8
}

// parsePacket reads the headers that come with a trace message: up to 40 bytes
// of the network's and up to 20 of the transport's. ok is false where the
// network's isn't IP.
func parsePacket(network, transport []byte) (p packet, ok bool) {
	var source, destination netip.Addr
	switch {
	case len(network) >= 20 && network[0]>>4 == 4:
		p.protocol = network[9]
		source, _ = netip.AddrFromSlice(network[12:16])
		destination, _ = netip.AddrFromSlice(network[16:20])
	case len(network) >= 40 && network[0]>>4 == 6:
		p.protocol = network[6]
		source, _ = netip.AddrFromSlice(network[8:24])
		destination, _ = netip.AddrFromSlice(network[24:40])
	default:
		return packet{}, false
	}
	from, to := p.ports(transport)
	p.source, p.destination = netip.AddrPortFrom(source, from), netip.AddrPortFrom(destination, to)
	return p, true
}

func (p *packet) ports(transport []byte) (from, to uint16) {
	switch p.protocol {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP:
		if len(transport) >= 4 {
			return binary.BigEndian.Uint16(transport), binary.BigEndian.Uint16(transport[2:])
		}
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		if len(transport) >= 6 {
			p.icmpType = transport[0]
			if p.icmpType == p.echo() {
				return binary.BigEndian.Uint16(transport[4:]), 0
			}
		}
	}
	return 0, 0
}

// echo is the type of an echo request of the protocol.
func (p *packet) echo() uint8 {
	if p.protocol == unix.IPPROTO_ICMPV6 {
		return 128
	}
	return 8
}

// redirects: it is an ICMP redirect, by which a router tells that another one is
// nearer. It goes on with the packet all the same, so this is no answer.
func (p packet) redirects() bool {
	return p.protocol == unix.IPPROTO_ICMP && p.icmpType == 5 || p.protocol == unix.IPPROTO_ICMPV6 && p.icmpType == 137
}

func (p packet) String() string {
	switch p.protocol {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP:
		return fmt.Sprintf("%s → %s", p.source, p.destination)
	}
	return fmt.Sprintf("%s → %s", p.source.Addr(), p.destination.Addr())
}

// end writes one end of the packet, with its port if it has one.
func (p packet) end(address netip.AddrPort) string {
	switch p.protocol {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP:
		return address.String()
	}
	return address.Addr().String()
}

// change says how the packet came out other than it went in: "" or "source
// 10.118.0.2:4711 becomes 198.51.100.1:4711".
func change(before, after packet) string {
	var text string
	if before.source != after.source && before.protocol == after.protocol {
		text = fmt.Sprintf("source %s becomes %s", before.end(before.source), after.end(after.source))
	}
	if before.destination != after.destination && before.protocol == after.protocol {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("destination %s becomes %s", before.end(before.destination), after.end(after.destination))
	}
	return text
}
