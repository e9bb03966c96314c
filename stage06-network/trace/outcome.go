package trace

import (
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// outcome is what the sender learns.
type outcome struct {
	answered bool
	errno    unix.Errno    // why not; 0 is silence
	by       netip.Addr    // who sent the ICMP error
	icmp     icmpError     // what it says
	after    time.Duration // the round trip
}

// refused: the packet arrived, and nobody listens at its port.
func (o outcome) refused() bool { return o.errno == unix.ECONNREFUSED }

// events are what poll(2) is to wait for: a TCP connection is there when it can
// be written to, anything else is answered by something to read.
func (c *call) events() int16 {
	if c.flow.protocol == unix.IPPROTO_TCP {
		return unix.POLLOUT
	}
	return unix.POLLIN
}

// outcome looks at a socket that poll(2) woke up for. done is false when that
// was for something else, such as another's echo reply.
func (c *call) outcome() (o outcome, done bool) {
	o.after = time.Since(c.sent)
	o.errno, o.by, o.icmp = c.queuedError()
	if code, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && code != 0 {
		o.errno = unix.Errno(code)
	}
	if o.errno != 0 {
		return o, true
	}
	o.by = netip.Addr{}
	if c.flow.protocol == unix.IPPROTO_TCP {
		_, err := unix.Getpeername(c.fd)
		o.answered = err == nil
		return o, o.answered
	}
	buffer := make([]byte, 1500)
	n, err := unix.Read(c.fd, buffer)
	if err == unix.ECONNREFUSED || err == unix.EHOSTUNREACH {
		o.errno = err.(unix.Errno)
		return o, true
	}
	o.answered = err == nil && (c.flow.protocol == unix.IPPROTO_UDP || c.echoed(buffer[:n]))
	return o, o.answered
}

// echoed tells whether it is the reply to our request. A raw socket of IPv4
// reads the IP header, too; one of IPv6 doesn't: raw(7), ipv6(7).
func (c *call) echoed(message []byte) bool {
	reply := uint8(129)
	if c.flow.protocol == unix.IPPROTO_ICMP {
		if len(message) < 20 || len(message) < int(message[0]&15)*4 {
			return false
		}
		reply, message = 0, message[message[0]&15*4:]
	}
	id := c.flow.source.Port()
	return len(message) >= 8 && message[0] == reply && message[4] == byte(id>>8) && message[5] == byte(id)
}

// queuedError reads struct sock_extended_err from the socket's queue of errors.
// The address of whoever reported the error follows it.
func (c *call) queuedError() (errno unix.Errno, by netip.Addr, icmp icmpError) {
	buffer, control := make([]byte, 256), make([]byte, 256)
	_, n, _, _, err := unix.Recvmsg(c.fd, buffer, control, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	if err != nil {
		return 0, netip.Addr{}, icmpError{}
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil {
		return 0, netip.Addr{}, icmpError{}
	}
	const size = int(unsafe.Sizeof(unix.SockExtendedErr{}))
	for _, message := range messages {
		ours := message.Header.Level == unix.IPPROTO_IP && message.Header.Type == unix.IP_RECVERR ||
			message.Header.Level == unix.IPPROTO_IPV6 && message.Header.Type == unix.IPV6_RECVERR
		if !ours || len(message.Data) < size {
			continue
		}
		report := (*unix.SockExtendedErr)(unsafe.Pointer(&message.Data[0]))
		errno = unix.Errno(report.Errno)
		if report.Origin == unix.SO_EE_ORIGIN_ICMP || report.Origin == unix.SO_EE_ORIGIN_ICMP6 {
			by, icmp = offender(message.Data[size:]), icmpError{report.Origin, report.Type, report.Code}
		}
	}
	return errno, by, icmp
}

// icmpError is an ICMP message, as the socket's queue of errors has it. The zero
// one is none.
type icmpError struct{ origin, kind, code uint8 }

// forbids: a firewall says that it forbids the packet. The errno is the same as
// where nobody is there.
func (e icmpError) forbids() bool {
	switch e.origin {
	case unix.SO_EE_ORIGIN_ICMP: // RFC 1812, 5.2.7.1: net, host, communication prohibited
		return e.kind == 3 && (e.code == 9 || e.code == 10 || e.code == 13)
	case unix.SO_EE_ORIGIN_ICMP6: // RFC 4443, 3.1: prohibited, failed policy
		return e.kind == 1 && (e.code == 1 || e.code == 5)
	}
	return false
}

// expired: the packet went on until it might go no farther, in a circle for most.
func (e icmpError) expired() bool {
	return e.origin == unix.SO_EE_ORIGIN_ICMP && e.kind == 11 || e.origin == unix.SO_EE_ORIGIN_ICMP6 && e.kind == 3
}

// offender reads a struct sockaddr_in or sockaddr_in6.
func offender(address []byte) netip.Addr {
	switch {
	case len(address) >= unix.SizeofSockaddrInet6 && address[0] == unix.AF_INET6:
		ip, _ := netip.AddrFromSlice(address[8:24])
		return ip
	case len(address) >= 8 && address[0] == unix.AF_INET:
		ip, _ := netip.AddrFromSlice(address[4:8])
		return ip
	}
	return netip.Addr{}
}
