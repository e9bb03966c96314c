package network

import (
	"cmp"
	"net/netip"
	"slices"
)

// A container on several networks has one way out for each family of addresses:
// the default route leads there, and published ports lead to its address there.
// It can be a network for IPv4 and another one for IPv6.

// preferred returns the endpoints in the order in which they are the way out,
// if their networks have one.
func (n *Network) preferred() []*Endpoint {
	list := make([]*Endpoint, len(n.Endpoints))
	for i := range n.Endpoints {
		list[i] = &n.Endpoints[i]
	}
	slices.SortStableFunc(list, func(a, b *Endpoint) int { return cmp.Compare(b.GatewayPriority, a.GatewayPriority) })
	return list
}

// wayOut returns the way out by IPv4, wayOut6 the one by IPv6; nil without one.
func (n *Network) wayOut() *Endpoint {
	return n.first(func(e *Endpoint) bool { return e.Gateway.IsValid() })
}

func (n *Network) wayOut6() *Endpoint {
	return n.first(func(e *Endpoint) bool { return e.Gateway6.IsValid() })
}

func (n *Network) first(leadsOut func(*Endpoint) bool) *Endpoint {
	list := n.preferred()
	if i := slices.IndexFunc(list, leadsOut); i >= 0 {
		return list[i]
	}
	return nil
}

// ways are the ways out, by the networks' names.
type ways struct{ ipv4, ipv6 string }

func (n *Network) ways() (w ways) {
	if e := n.wayOut(); e != nil {
		w.ipv4 = e.Network
	}
	if e := n.wayOut6(); e != nil {
		w.ipv6 = e.Network
	}
	return w
}

// gateways are those that the container's default routes lead to on this
// network.
func (n *Network) gateways(e *Endpoint) (list []netip.Addr) {
	if e == n.wayOut() {
		list = append(list, e.Gateway)
	}
	if e == n.wayOut6() {
		list = append(list, e.Gateway6)
	}
	return list
}

// published are the addresses that the ports lead to: where the ways out are.
// On Macvlan and IPvlan the container has one of the wire's own, and there is
// nothing to lead.
func (n *Network) published() (ips []netip.Addr, err error) {
	for i := range n.Endpoints {
		e := &n.Endpoints[i]
		gateways := n.gateways(e)
		if len(gateways) == 0 {
			continue
		}
		d, err := read(string(n.Networks.record(e.Network)))
		if err != nil {
			return nil, err
		}
		if d.Driver != Bridge {
			continue
		}
		for _, ip := range e.ips() {
			if slices.ContainsFunc(gateways, func(gateway netip.Addr) bool { return gateway.Is4() == ip.Is4() }) {
				ips = append(ips, ip)
			}
		}
	}
	return ips, nil
}

// Address returns the address of IPv4 that published ports lead to, which is
// the zero Addr of a container that no packet can reach from outside.
func (n *Network) Address() netip.Addr {
	if e := n.wayOut(); e != nil {
		return e.Address.Addr()
	}
	return netip.Addr{}
}
