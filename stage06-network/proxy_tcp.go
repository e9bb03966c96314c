package network

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"
)

// serveTCP accepts clients until the listener is closed.
func serveTCP(listener net.Listener, to func() netip.AddrPort) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // descriptors or memory ran out; nothing tells when there are some again
			time.Sleep(50 * time.Millisecond)
			continue
		}
		go relayTCP(client.(*net.TCPConn), to())
	}
}

// relayTCP joins one client to the container, one goroutine for each direction.
// On Linux io.Copy moves the bytes with splice(2), inside the kernel.
func relayTCP(client *net.TCPConn, to netip.AddrPort) {
	// Without an address the container can't be called, and package net would
	// take the host itself to be meant.
	server, err := (*net.TCPConn)(nil), net.ErrClosed
	if to.IsValid() {
		server, err = net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(to))
	}
	if err != nil {
		reset(client)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { half(server, client) })
	both.Go(func() { half(client, server) })
	both.Wait()
	client.Close()
	server.Close()
}

// half carries one direction. When the sender has said all, the receiver is
// told so, and can still answer: `printf … | nc` needs that. When the receiver
// is gone, the sender is told too.
func half(to, from *net.TCPConn) {
	_, err := io.Copy(to, from)
	if err != nil {
		reset(to)
		reset(from)
		return
	}
	_ = to.CloseWrite()
}

// reset closes with RST, as a closed port would answer: the client learns that
// nobody served it, instead of taking an empty answer for a whole one.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}
