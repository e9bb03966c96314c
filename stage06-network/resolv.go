package network

import (
	"net/netip"
	"slices"

	"cooper/stage06-network/resolvconf"
)

// publicServers are asked when the host's own are of no use to a container, as
// Docker does.
func publicServers() []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{8, 8, 8, 8}), netip.AddrFrom4([4]byte{8, 8, 4, 4})}
}

// inside keeps the servers that a container behind an IPv4 bridge can reach.
// A loopback address is the host's there and the container's here.
func inside(servers []netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(servers), func(ip netip.Addr) bool {
		return ip.IsLoopback() || ip.IsUnspecified() || !ip.Unmap().Is4()
	})
}

// adopt builds the container's resolver from the host's, from what stands
// behind the host's local cache if it has one, and from what the user asked for.
func (n *Network) adopt(host, upstream resolvconf.File) resolvconf.File {
	r := host
	if n.Mode != Host {
		if r.Servers = inside(host.Servers); len(r.Servers) == 0 {
			r.Servers = inside(upstream.Servers)
		}
		if forwarder := n.Mode.forwarder(); len(inside(host.Servers)) == 0 && forwarder.IsValid() {
			r.Servers = []netip.Addr{forwarder} // it asks the host's cache
		}
		if len(r.Servers) == 0 && n.Mode == Plugged {
			r.Servers = publicServers()
		}
	}
	if len(n.DNS) > 0 {
		r.Servers = n.DNS
	}
	if len(n.DNSSearch) > 0 {
		r.Search = slices.DeleteFunc(slices.Clone(n.DNSSearch), func(domain string) bool { return domain == "." })
	}
	if len(n.DNSOptions) > 0 {
		r.Options = n.DNSOptions
	}
	if n.HasNames() {
		return askNeighbours(r)
	}
	return r
}
