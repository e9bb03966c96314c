package network

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// UDP knows no connections, so answers are matched to clients by giving each
// client a socket of its own towards the container:
//
//	client A ──┐                 ┌── socket A ──┐
//	           ├── host's port ──┤              ├── container's port
//	client B ──┘                 └── socket B ──┘
const (
	// udpIdle is when a client that neither sent nor got anything is forgotten;
	// the kernel's connection tracking forgets a stream of UDP after 120 s.
	udpIdle = 90 * time.Second
	// udpClients is how many a port remembers: whoever can send from many ports
	// shall not use up the supervisor's descriptors.
	udpClients = 512
	// udpLargest is the largest datagram's payload.
	udpLargest = 65507
)

type udpRelay struct {
	port *net.UDPConn
	to   func() netip.AddrPort
	idle time.Duration

	lock    sync.Mutex
	clients map[netip.AddrPort]*net.UDPConn
	closed  bool
}

func newUDPRelay(port *net.UDPConn, to func() netip.AddrPort) *udpRelay {
	return &udpRelay{port: port, to: to, idle: udpIdle, clients: map[netip.AddrPort]*net.UDPConn{}}
}

// serve reads what clients send until the port is closed.
func (r *udpRelay) serve() {
	buffer := make([]byte, udpLargest)
	for {
		n, client, err := r.port.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an ICMP error of an earlier answer
			continue
		}
		if socket := r.socket(client); socket != nil {
			_ = socket.SetReadDeadline(time.Now().Add(r.idle))
			_, _ = socket.Write(buffer[:n]) // UDP promises nothing
		}
	}
}

// socket returns the client's socket towards the container, a new one for a new
// client, or nil where there is none to be had.
func (r *udpRelay) socket(client netip.AddrPort) *net.UDPConn {
	r.lock.Lock()
	defer r.lock.Unlock()
	if socket, known := r.clients[client]; known {
		return socket
	}
	to := r.to()
	if r.closed || len(r.clients) >= udpClients || !to.IsValid() {
		return nil
	}
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return nil
	}
	r.clients[client] = socket
	go r.answer(client, socket)
	return socket
}

// answer carries the container's answers to one client, until both have been
// silent for a while. An error like ECONNREFUSED is the container's port being
// closed for now; only silence and Close end it.
func (r *udpRelay) answer(client netip.AddrPort, socket *net.UDPConn) {
	defer r.forget(client, socket)
	buffer := make([]byte, udpLargest)
	for {
		n, err := socket.Read(buffer)
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		_ = socket.SetReadDeadline(time.Now().Add(r.idle))
		_, _ = r.port.WriteToUDPAddrPort(buffer[:n], client)
	}
}

func (r *udpRelay) forget(client netip.AddrPort, socket *net.UDPConn) {
	r.lock.Lock()
	defer r.lock.Unlock()
	delete(r.clients, client)
	_ = socket.Close()
}

func (r *udpRelay) close() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.closed = true
	for _, socket := range r.clients {
		_ = socket.Close()
	}
}
