package resolver

import (
	"bytes"
	"errors"
	"net"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// largestDatagram is how many bytes we read of one, and put into one. A query is
// a name and a few options; and a client that says it has room for 65,535 gets
// no such buffer for each of its queries, but is told to come over TCP.
const largestDatagram = 4096

// serveUDP answers until the socket is closed. What we know ourselves is
// answered here, one query after the other; whatever takes its time gets a
// goroutine.
func (r *Resolver) serveUDP() {
	buffer := make([]byte, largestDatagram+1)
	for {
		n, client, err := r.packets.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an ICMP error of an earlier answer
			continue
		}
		q := parse(buffer[:n], false)
		if q == nil {
			continue
		}
		if n > largestDatagram {
			q.fault = dnsmessage.RCodeFormatError
		}
		if answer := r.answer(q); answer != nil {
			r.tell(client, answer)
			continue
		}
		q.message = bytes.Clone(q.message) // the next query overwrites it
		r.running.Go(func() { r.tell(client, r.forward(q, false)) })
	}
}

// tell sends an answer; if it is lost, the client asks again.
func (r *Resolver) tell(client netip.AddrPort, answer []byte) {
	_, _ = r.packets.WriteToUDPAddrPort(answer, client)
}
