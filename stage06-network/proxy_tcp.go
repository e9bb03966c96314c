package network

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// relayFiles is how many descriptors a client takes: two sockets, and for
// splice(2) a pipe in each direction.
const relayFiles = 2 + 2*2

// clientsAtOnce is how many TCP clients a Proxy serves at the same time, with
// half of the descriptors that the process may have. The supervisor needs the
// others: it couldn't even be told to stop the container.
func clientsAtOnce() (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	return int(min(max(limit.Cur/2/relayFiles, 1), 1<<16)), nil
}

// serveTCP accepts clients until the listener is closed. Those for whom there
// is no room wait for another one's end, in the kernel's queue.
func serveTCP(listener net.Listener, room chan struct{}, to func() netip.AddrPort) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// The process or the kernel has no more descriptors or memory, and not
			// for our clients' sake. Nothing tells when there are some again; net/http
			// asks again after a while, too.
			time.Sleep(50 * time.Millisecond)
			continue
		}
		room <- struct{}{}
		go func() {
			defer func() { <-room }()
			relayTCP(client.(*net.TCPConn), to())
		}()
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
