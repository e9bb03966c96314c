package network

import (
	"cmp"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"cooper/stage06-network/resolvconf"
	"cooper/stage06-network/resolver"
)

// Resolve begins to answer the container's queries for names, those of its
// neighbours and all others, until the returned function is called. The file is
// the container's network namespace; see package resolver.
//
// Who is on which network stands in the records, and is looked up there for
// each query. So nothing need be told of who comes and goes.
func Resolve(s *Spec, namespace *os.File) (end func() error, err error) {
	upstream, err := s.Network.upstream()
	if err != nil {
		return nil, err
	}
	n := &neighbours{networks: s.Network.Networks, id: s.ID}
	r, err := resolver.Listen(namespace, resolver.Config{Networks: n.list, Upstream: upstream})
	if err != nil {
		return nil, err
	}
	r.Serve()
	return r.Close, nil
}

// upstream are the servers that know all other names: those that the user named
// for the container, which are asked from there, or else the host's, which are
// asked as the host asks them.
func (n *Network) upstream() (list []resolver.Server, err error) {
	servers := n.DNS
	if len(n.DNS) == 0 {
		host, err := readResolv(hostResolv)
		if err != nil {
			return nil, err
		}
		if servers = host.Servers; len(servers) == 0 {
			servers = publicServers()
		}
	}
	for _, ip := range servers {
		list = append(list, resolver.Server{AddrPort: netip.AddrPortFrom(ip, 53), Inside: len(n.DNS) > 0})
	}
	return list, nil
}

// neighbours finds the networks that a container is on.
type neighbours struct {
	networks Networks
	id       string

	lock     sync.Mutex
	internal map[string]bool // by name: what a network is stays as long as somebody is on it
}

// list returns the networks that have names, in the order of the container's
// links.
func (n *neighbours) list() (list []resolver.Network, err error) {
	entries, err := os.ReadDir(n.networks.Dir)
	links := map[string]string{}
	for _, entry := range entries {
		if !entry.IsDir() { // a lock
			continue
		}
		r := n.networks.record(entry.Name())
		l, held := r.held(n.id)
		if !held {
			n.forget(r.name())
			continue
		}
		internal, err := n.isInternal(r)
		if err != nil {
			return nil, err
		}
		links[r.name()] = l.link
		list = append(list, resolver.Network{Name: r.name(), Dir: string(r), Internal: internal})
	}
	slices.SortFunc(list, func(a, b resolver.Network) int { return cmp.Compare(links[a.Name], links[b.Name]) })
	return list, err
}

func (n *neighbours) isInternal(r record) (bool, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if internal, known := n.internal[r.name()]; known {
		return internal, nil
	}
	d, err := read(string(r))
	if err != nil {
		return true, err
	}
	if n.internal == nil {
		n.internal = map[string]bool{}
	}
	n.internal[r.name()] = d.Internal
	return d.Internal, nil
}

func (n *neighbours) forget(name string) {
	n.lock.Lock()
	defer n.lock.Unlock()
	delete(n.internal, name)
}

// serveNames is Resolve while the container's steps are taken.
func (c *cabling) serveNames() error {
	ns, err := c.namespace()
	if err != nil {
		return err
	}
	defer ns.Close()
	c.silence, err = Resolve(c.spec, ns)
	return err
}

// stopNames ends it. Where another process serves the names, or served them
// until it was killed, there is nothing to end: the rules and sockets go with
// the container's namespace.
func (c *cabling) stopNames() error {
	if c.silence == nil {
		return nil
	}
	err := c.silence()
	c.silence = nil
	return err
}

// askNeighbours makes it the file of a container that finds its neighbours by
// name. Names without a dot are asked as they are (ndots:0): they may be a
// neighbour's.
func askNeighbours(r resolvconf.File) resolvconf.File {
	r.Servers = []netip.Addr{resolver.Address}
	if !slices.ContainsFunc(r.Options, func(option string) bool { return strings.HasPrefix(option, "ndots:") }) {
		r.Options = append(slices.Clone(r.Options), "ndots:0")
	}
	return r
}
