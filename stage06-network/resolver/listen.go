package resolver

import (
	namespaces "cooper/stage01-namespaces"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// receiveBuffer is how many bytes of queries may wait in the kernel, which
// doubles the number and counts some 800 for each: thousands of programs that
// start at once all ask at once. It is a limit, and costs nothing while nobody
// asks.
const receiveBuffer = 2 << 20

// listenUDP makes the socket for queries in datagrams.
func listenUDP(netns *os.File) (*net.UDPConn, error) {
	fd, err := bound(netns, unix.SOCK_DGRAM)
	if err != nil {
		return nil, err
	}
	// What may exceed net.core.rmem_max takes a capability of the host, which
	// an ordinary user has not; the kernel's own size is less, but will do.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer)
	file := os.NewFile(uintptr(fd), "dns/udp")
	defer file.Close() // the connection has a duplicate
	conn, err := net.FilePacketConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// listenTCP makes the socket for queries that are long, or whose answers are.
func listenTCP(netns *os.File) (*net.TCPListener, error) {
	fd, err := bound(netns, unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "dns/tcp")
	defer file.Close()
	if err := unix.Listen(fd, maxStreams); err != nil {
		return nil, os.NewSyscallError("listen", err)
	}
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	return listener.(*net.TCPListener), nil
}

// bound returns a socket of the namespace, bound to a port of Address that the
// kernel chooses: port 53 is left to the container, which may want to be a DNS
// server itself.
//
// Package net could make it as well, but on first use it tries out whether
// there is IPv6, and would go by the container's answer for ever after.
func bound(netns *os.File, kind int) (fd int, err error) {
	if fd, err = socket(netns, unix.AF_INET, kind); err != nil {
		return -1, err
	}
	// FREEBIND: the container's loopback link may be down yet, and its
	// addresses come when it is up (ip(7)).
	err = os.NewSyscallError("setsockopt IP_FREEBIND", unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_FREEBIND, 1))
	if err == nil {
		err = os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrInet4{Addr: Address.As4()}))
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// socket makes a socket in the network namespace, or in our own if that is nil.
// Only this one call must be made there: a socket never changes its namespace.
func socket(netns *os.File, family, kind int) (fd int, err error) {
	create := func() error {
		var err error
		fd, err = unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		return os.NewSyscallError("socket", err)
	}
	if netns == nil {
		err = create()
	} else {
		err = namespaces.Visit(netns, create)
	}
	return fd, err
}
