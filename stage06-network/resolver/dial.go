package resolver

import (
	"errors"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// dial makes a socket towards the server. Connecting over TCP takes a while,
// and the first write waits for it.
func (r *Resolver) dial(server Server, tcp bool) (*os.File, error) {
	kind, family := unix.SOCK_DGRAM, unix.AF_INET
	if tcp {
		kind = unix.SOCK_STREAM
	}
	if !server.Addr().Unmap().Is4() {
		family = unix.AF_INET6
	}
	var netns *os.File
	if server.Inside {
		netns = r.netns
	}
	fd, err := socket(netns, family, kind)
	if err != nil {
		return nil, err
	}
	if err := connect(fd, server.AddrPort); err != nil && !errors.Is(err, unix.EINPROGRESS) {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "dns server "+server.String()), nil
}

func connect(fd int, server netip.AddrPort) error {
	to, err := sockaddr(fd, server)
	if err != nil {
		return err
	}
	return os.NewSyscallError("connect", unix.Connect(fd, to))
}

// sockaddr is the server's address as connect(2) wants it. That of a router
// next door may need the link with it, fe80::1%wlan0, which the socket's own
// namespace knows by a number (netdevice(7)).
func sockaddr(fd int, server netip.AddrPort) (unix.Sockaddr, error) {
	ip, port := server.Addr().Unmap(), int(server.Port())
	if ip.Is4() {
		return &unix.SockaddrInet4{Addr: ip.As4(), Port: port}, nil
	}
	to := &unix.SockaddrInet6{Addr: ip.As16(), Port: port}
	if ip.Zone() == "" {
		return to, nil
	}
	link, err := unix.NewIfreq(ip.Zone())
	if err != nil {
		return nil, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, link); err != nil {
		return nil, os.NewSyscallError("ioctl SIOCGIFINDEX", err)
	}
	to.ZoneId = link.Uint32()
	return to, nil
}
