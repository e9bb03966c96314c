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
	// shall not use up the supervisor's descriptors. The one that has been
	// silent for longest makes room for the next.
	udpClients = 512
	// udpLargest is the largest datagram's payload.
	udpLargest = 65507
)

type udpRelay struct {
	port *net.UDPConn
	to   func() netip.AddrPort
	idle time.Duration

	lock    sync.Mutex
	clients map[udpCaller]*udpClient
	closed  bool
}

// udpCaller is who sent a datagram, and to which of the host's addresses: the
// answer must come from there.
type udpCaller struct {
	client netip.AddrPort
	called netip.Addr
}

// udpClient is a caller's socket towards the container.
type udpClient struct {
	*net.UDPConn
	to   netip.AddrPort
	last time.Time // when it sent something
}

func newUDPRelay(port *net.UDPConn, to func() netip.AddrPort) *udpRelay {
	return &udpRelay{port: port, to: to, idle: udpIdle, clients: map[udpCaller]*udpClient{}}
}

// serve reads what clients send until the port is closed.
func (r *udpRelay) serve() {
	buffer, control := make([]byte, udpLargest), make([]byte, pktinfoSize)
	for {
		n, said, _, from, err := r.port.ReadMsgUDPAddrPort(buffer, control)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an ICMP error of an earlier answer
			continue
		}
		if socket := r.socket(udpCaller{from, calledAddress(control[:said])}); socket != nil {
			_ = socket.SetReadDeadline(time.Now().Add(r.idle))
			_, _ = socket.Write(buffer[:n]) // UDP promises nothing
		}
	}
}

// socket returns the caller's socket towards the container, a new one for a new
// caller and where the container has another address by now, or nil where there
// is none to be had.
func (r *udpRelay) socket(caller udpCaller) *udpClient {
	r.lock.Lock()
	defer r.lock.Unlock()
	now, to := time.Now(), r.to()
	if client, known := r.clients[caller]; known {
		if client.to == to {
			client.last = now
			return client
		}
		r.drop(caller)
	}
	if r.closed || !to.IsValid() || !to.Addr().IsValid() {
		return nil
	}
	if len(r.clients) >= udpClients {
		r.drop(r.mostSilent())
	}
	socket, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return nil
	}
	client := &udpClient{socket, to, now}
	r.clients[caller] = client
	go r.answer(caller, client)
	return client
}

func (r *udpRelay) mostSilent() (silent udpCaller) {
	var since time.Time
	for caller, client := range r.clients {
		if since.IsZero() || client.last.Before(since) {
			silent, since = caller, client.last
		}
	}
	return silent
}

// answer carries the container's answers to one caller, until both have been
// silent for a while. An error like ECONNREFUSED is the container's port being
// closed for now; only silence and Close end it.
func (r *udpRelay) answer(caller udpCaller, client *udpClient) {
	defer r.forget(caller, client)
	buffer, control := make([]byte, udpLargest), sentFrom(caller.called)
	for {
		n, err := client.Read(buffer)
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		_ = client.SetReadDeadline(time.Now().Add(r.idle))
		_, _, _ = r.port.WriteMsgUDPAddrPort(buffer[:n], control, caller.client)
	}
}

// forget ends a client, which may have been replaced by another already.
func (r *udpRelay) forget(caller udpCaller, client *udpClient) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.clients[caller] == client {
		r.drop(caller)
	}
}

// drop is forget for who holds the lock.
func (r *udpRelay) drop(caller udpCaller) {
	_ = r.clients[caller].Close()
	delete(r.clients, caller)
}

func (r *udpRelay) close() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.closed = true
	for caller := range r.clients {
		r.drop(caller)
	}
}
