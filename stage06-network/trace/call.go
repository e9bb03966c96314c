package trace

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// call is the experiment's packet and its socket.
type call struct {
	fd   int
	flow flow
	sent time.Time
}

// newCall makes the socket in the namespace and binds it, so that the packet's
// source is known before it is sent. Echo requests are told apart by an
// identifier, which we draw.
func newCall(ns *os.File, protocol uint8, source netip.Addr, destination netip.AddrPort) (*call, error) {
	c := &call{flow: flow{protocol: protocol, source: netip.AddrPortFrom(source, 0), destination: destination}}
	if err := inside(ns, c.open); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *call) open() (err error) {
	family := unix.AF_INET
	if c.flow.source.Addr().Is6() {
		family = unix.AF_INET6
	}
	kind := map[uint8]int{unix.IPPROTO_TCP: unix.SOCK_STREAM, unix.IPPROTO_UDP: unix.SOCK_DGRAM}[c.flow.protocol]
	if kind == 0 {
		kind = unix.SOCK_RAW
	}
	if c.fd, err = unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(c.flow.protocol)); err != nil {
		return fmt.Errorf("make a socket in the container: %w", os.NewSyscallError("socket", err))
	}
	if err := c.bind(family); err != nil {
		c.close()
		return fmt.Errorf("bind to %s in the container: %w", c.flow.source.Addr(), err)
	}
	return nil
}

func (c *call) bind(family int) error {
	// ICMP errors are queued with the address of whoever sent them: ip(7).
	var err error
	if family == unix.AF_INET6 {
		err = unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	} else {
		err = unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	}
	if err != nil {
		return os.NewSyscallError("setsockopt", err)
	}
	if err := unix.Bind(c.fd, sockaddr(c.flow.source)); err != nil {
		return os.NewSyscallError("bind", err)
	}
	port := uint16(1 + rand.N(65535))
	if c.ports() {
		bound, err := unix.Getsockname(c.fd)
		if err != nil {
			return os.NewSyscallError("getsockname", err)
		}
		port = portOf(bound)
	}
	c.flow.source = netip.AddrPortFrom(c.flow.source.Addr(), port)
	return nil
}

func (c *call) ports() bool {
	return c.flow.protocol == unix.IPPROTO_TCP || c.flow.protocol == unix.IPPROTO_UDP
}

// send sends the packet. Where the kernel refuses to, that is the outcome.
func (c *call) send() error {
	c.sent = time.Now()
	err := unix.Connect(c.fd, sockaddr(c.flow.destination))
	if c.flow.protocol == unix.IPPROTO_TCP {
		if err == unix.EINPROGRESS {
			return nil
		}
		return err
	}
	if err != nil {
		return err
	}
	_, err = unix.Write(c.fd, c.payload())
	return err
}

// payload is an echo request, or a question that a name server answers: for
// the name servers of the root. Whatever else speaks UDP gets an empty datagram.
func (c *call) payload() []byte {
	id := c.flow.source.Port()
	switch {
	case !c.ports():
		echo := packet(c.flow)
		message := []byte{echo.echo(), 0, 0, 0, byte(id >> 8), byte(id), 0, 1}
		sum := checksum(message) // of ICMPv6 the kernel computes it
		message[2], message[3] = byte(sum>>8), byte(sum)
		return message
	case c.flow.destination.Port() == 53:
		return []byte{byte(id >> 8), byte(id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1}
	}
	return nil
}

// checksum is the Internet's, RFC 1071, of an even number of bytes.
func checksum(message []byte) uint16 {
	var sum uint32
	for i := 0; i < len(message); i += 2 {
		sum += uint32(message[i])<<8 | uint32(message[i+1])
	}
	sum = sum>>16 + sum&0xffff
	return ^uint16(sum + sum>>16)
}

func (c *call) close() { unix.Close(c.fd) }

func sockaddr(to netip.AddrPort) unix.Sockaddr {
	if to.Addr().Is6() {
		return &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
	}
	return &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
}

func portOf(bound unix.Sockaddr) uint16 {
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		return uint16(bound.Port)
	case *unix.SockaddrInet6:
		return uint16(bound.Port)
	}
	return 0
}
