package network

import (
	"net/netip"

	"github.com/vishvananda/netlink"
)

// ownAddress is what the container's own name stands for, hostSide is where it
// finds the host, and forwarder is a name server that stands for the host's. In
// other modes they are the zero Addr.
func (m Mode) ownAddress() netip.Addr {
	switch m {
	case Pasta:
		return outward()
	case Slirp4netns:
		return slirpContainer
	}
	return netip.Addr{}
}

func (m Mode) hostSide() netip.Addr {
	switch m {
	case Pasta:
		return pastaHost
	case Slirp4netns:
		return outward()
	}
	return netip.Addr{}
}

func (m Mode) forwarder() netip.Addr {
	switch m {
	case Pasta:
		return pastaDNS
	case Slirp4netns:
		return slirpDNS
	}
	return netip.Addr{}
}

// outward returns the address under which the host calls other machines, or
// the zero Addr if it has none. The kernel's answer is for any address that isn't
// near; this one, of RFC 5737, is nobody's.
func outward() netip.Addr {
	routes, err := netlink.RouteGet([]byte{192, 0, 2, 1})
	if err != nil || len(routes) == 0 {
		return netip.Addr{}
	}
	ip, _ := netip.AddrFromSlice(routes[0].Src)
	return ip.Unmap()
}
