package network

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A socket on every address of the host gets datagrams that were sent to any of
// them, and its answers leave from whichever the route suggests. A client that
// called 127.0.0.2 and is answered by 127.0.0.1 takes it for a stranger's. So
// the kernel is asked for the address with each datagram, and is told it with
// each answer: ip(7), IP_PKTINFO; ipv6(7), IPV6_PKTINFO. A socket of IPv6 that
// serves IPv4 as well says ::ffff:127.0.0.2.

// pktinfoSize is the room that the larger of the two messages takes.
var pktinfoSize = unix.CmsgSpace(unix.SizeofInet6Pktinfo)

// tellCalledAddress has the kernel say for each datagram what it was sent to.
func tellCalledAddress(conn *net.UDPConn) error {
	level, option := unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO
	if conn.LocalAddr().(*net.UDPAddr).IP.To4() != nil {
		level, option = unix.IPPROTO_IP, unix.IP_PKTINFO
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), level, option, 1) })
	if err != nil {
		return err
	}
	return failed
}

// calledAddress reads it from what came with the datagram: in_pktinfo is an
// index, the local address and the one called (which may be a broadcast's);
// in6_pktinfo is the one called, and an index. The zero Addr says nothing.
func calledAddress(control []byte) (ip netip.Addr) {
	if len(control) == 0 {
		return ip
	}
	header, data, _, err := unix.ParseOneSocketControlMessage(control)
	switch {
	case err != nil:
	case header.Level == unix.IPPROTO_IP && header.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		ip, _ = netip.AddrFromSlice(data[4:8])
	case header.Level == unix.IPPROTO_IPV6 && header.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		ip, _ = netip.AddrFromSlice(data[:16])
	}
	if ip.IsMulticast() {
		return netip.Addr{} // nobody sends from there
	}
	return ip
}

// sentFrom is what goes with a datagram to have it sent from this address.
func sentFrom(ip netip.Addr) []byte {
	switch {
	case !ip.IsValid():
		return nil
	case ip.Is4():
		return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: ip.As4()})
	}
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: ip.As16()})
}
