package network

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
)

// resolverFile is what resolv.conf(5) says:
//
//	nameserver 192.0.2.53
//	search example.org
//	options ndots:2
type resolverFile struct {
	servers []netip.Addr
	search  []string
	options []string
}

// publicServers are asked when the host's own are of no use to a container, as
// Docker does.
func publicServers() []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte{8, 8, 8, 8}), netip.AddrFrom4([4]byte{8, 8, 4, 4})}
}

// parseResolv reads a resolv.conf. It takes nothing over that it can't read:
// what comes out holds addresses and words, never a raw line.
func parseResolv(file io.Reader) (r resolverFile, err error) {
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if ip, err := netip.ParseAddr(fields[1]); err == nil {
				r.servers = append(r.servers, ip)
			}
		case "search", "domain": // the last of either counts
			r.search = fields[1:]
		case "options":
			r.options = append(r.options, fields[1:]...)
		}
	}
	return r, lines.Err()
}

// inside keeps the servers that a container behind an IPv4 bridge can reach.
// A loopback address is the host's there and the container's here.
func (r resolverFile) inside() []netip.Addr {
	return slices.DeleteFunc(slices.Clone(r.servers), func(ip netip.Addr) bool {
		return ip.IsLoopback() || ip.IsUnspecified() || !ip.Unmap().Is4()
	})
}

// adopt builds the container's resolver from the host's, from what stands
// behind the host's local cache if it has one, and from what the user asked for.
func (n *Network) adopt(host, upstream resolverFile) resolverFile {
	r := host
	if n.Mode != Host {
		if r.servers = host.inside(); len(r.servers) == 0 {
			r.servers = upstream.inside()
		}
		if forwarder := n.Mode.forwarder(); len(host.inside()) == 0 && forwarder.IsValid() {
			r.servers = []netip.Addr{forwarder} // it asks the host's cache
		}
		if len(r.servers) == 0 && n.Mode == Plugged {
			r.servers = publicServers()
		}
	}
	if len(n.DNS) > 0 {
		r.servers = n.DNS
	}
	if len(n.DNSSearch) > 0 {
		r.search = slices.DeleteFunc(slices.Clone(n.DNSSearch), func(domain string) bool { return domain == "." })
	}
	if len(n.DNSOptions) > 0 {
		r.options = n.DNSOptions
	}
	if n.HasNames() {
		return r.askNeighbours()
	}
	return r
}

func (r resolverFile) String() string {
	var text strings.Builder
	for _, ip := range r.servers {
		fmt.Fprintf(&text, "nameserver %s\n", ip)
	}
	if len(r.search) > 0 {
		fmt.Fprintf(&text, "search %s\n", strings.Join(r.search, " "))
	}
	if len(r.options) > 0 {
		fmt.Fprintf(&text, "options %s\n", strings.Join(r.options, " "))
	}
	return text.String()
}
