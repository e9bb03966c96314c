package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"

	namespaces "cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// A Proxy holds the host's side of published ports, and serves in user space
// the clients that the kernel's rules can't lead: those on loopback, those that
// come by IPv6 to a container without it, and containers that are kept apart
// (table.go, proxied).
//
// Binding the ports is also what keeps them: two containers, or a container and
// any other program, can't have the same one, whichever is first.
//
// A remote client never comes through the Proxy over IPv4, since its packets
// are led away before they reach a socket; so the container sees its true
// address. What does come through shows the bridge's address. Loopback's never
// appears in a container, where programs trust it (CVE-2021-20199).
type Proxy struct {
	ports   []Port
	streams []net.Listener
	packets []*net.UDPConn
	relays  []*udpRelay
	room    chan struct{} // holds one for each TCP client that is served

	container atomic.Pointer[netip.Addr]
}

// Bind is Listen for the ports of a container, which learns what they are: the
// network may say on which address of the host ports are published that name
// none. On Macvlan and IPvlan there are none, as the container is on the wire
// itself.
func Bind(s *Spec) (*Proxy, error) {
	ports := slices.Clone(s.Network.Ports)
	if d := s.Network.publishing(); d != nil {
		if d.Driver != Bridge {
			ports = nil
		}
		for i := range ports {
			if host, err := netip.ParseAddr(d.Options[optionHostIP]); err == nil && !ports[i].HostIP.IsValid() {
				ports[i].HostIP = host
			}
		}
	}
	p, err := Listen(ports)
	if err == nil {
		s.Network.Ports = p.Ports()
	}
	return p, err
}

// publishing returns the network that will be the way out, if it's known.
func (n *Network) publishing() *Definition {
	for _, e := range n.preferred() {
		if d, err := read(string(n.Networks.record(e.Network))); err == nil && !d.Internal {
			return d
		}
	}
	return nil
}

// Listen binds the ports, and takes a free one where none was asked for. The
// error for a busy one is EADDRINUSE. Until Serve, TCP clients wait.
//
// Call it before anything of the container is made.
func Listen(ports []Port) (*Proxy, error) {
	clients, err := clientsAtOnce()
	if err != nil {
		return nil, err
	}
	p := &Proxy{room: make(chan struct{}, clients)}
	for _, port := range ports {
		bound, err := p.bind(port)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("publish %s: %w", port, err), p.Close())
		}
		p.ports = append(p.ports, bound)
	}
	return p, nil
}

// Ports returns the ports as they are bound, none of them 0.
func (p *Proxy) Ports() []Port { return p.ports }

// bind opens a socket for one port, and returns the port that it has got.
func (p *Proxy) bind(port Port) (Port, error) {
	last := port.HostPortLast
	port.HostPortLast = 0
	for {
		bound, err := p.open(port)
		if !errors.Is(err, unix.EADDRINUSE) || port.HostPort >= last {
			return bound, err
		}
		port.HostPort++
	}
}

// open opens the socket. For every address that is one socket of IPv6, which
// serves IPv4 as well where the host has both.
func (p *Proxy) open(port Port) (Port, error) {
	host, family := "", ""
	if port.HostIP.IsValid() {
		host = port.HostIP.String()
	}
	if port.HostIP.Is4() {
		family = "4" // who asks for 0.0.0.0 doesn't ask for IPv6
	}
	address := net.JoinHostPort(host, strconv.Itoa(int(port.HostPort)))
	var local net.Addr
	if port.Protocol == UDP {
		at, err := net.ResolveUDPAddr(UDP+family, address)
		if err != nil {
			return port, err
		}
		conn, err := net.ListenUDP(UDP+family, at)
		if err != nil {
			return port, err
		}
		p.packets = append(p.packets, conn)
		if err := tellCalledAddress(conn); err != nil {
			return port, err
		}
		local = conn.LocalAddr()
	} else {
		listener, err := net.Listen(TCP+family, address)
		if err != nil {
			return port, err
		}
		p.streams = append(p.streams, listener)
		local = listener.Addr()
	}
	at := netip.MustParseAddrPort(local.String())
	if port.HostPort = at.Port(); at.Addr() == netip.IPv4Unspecified() {
		port.HostIP = at.Addr() // the host has no IPv6
	}
	return port, nil
}

// Lead has clients to come led to this address, when the container has got
// another one.
func (p *Proxy) Lead(container netip.Addr) { p.container.Store(&container) }

// Serve begins to lead clients to the container, and returns at once. An idle
// port costs one goroutine that waits in accept.
func (p *Proxy) Serve(container netip.Addr) {
	p.Lead(container)
	var streams, packets int
	for _, port := range p.ports {
		to := func() netip.AddrPort { return netip.AddrPortFrom(*p.container.Load(), port.ContainerPort) }
		if port.Protocol == UDP {
			relay := newUDPRelay(p.packets[packets], to)
			p.relays = append(p.relays, relay)
			go relay.serve()
			packets++
		} else {
			go serveTCP(p.streams[streams], p.room, to)
			streams++
		}
	}
}

// Close frees the ports. TCP connections that are open go on until either side
// ends them.
func (p *Proxy) Close() error {
	var errs []error
	for _, listener := range p.streams {
		errs = append(errs, listener.Close())
	}
	for _, conn := range p.packets {
		errs = append(errs, conn.Close())
	}
	for _, relay := range p.relays {
		relay.close()
	}
	p.streams, p.packets, p.relays = nil, nil, nil
	return errors.Join(errs...)
}

// Steps returns the Proxy's part as a step, for programs that hold it
// themselves; it comes after Outside.
func (p *Proxy) Steps(s *Spec) []namespaces.Step {
	if len(p.ports) == 0 {
		return nil
	}
	return []namespaces.Step{{
		Name: "network/proxy",
		Why:  "packets to 127.0.0.1 never leave the host, by no rule: a socket takes those clients and calls the container for them",
		Do: func() error {
			p.Serve(s.Network.Address())
			return nil
		},
		Undo: p.Close,
	}}
}
