package resolver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
)

// Address is where the container's resolv.conf leads its queries, Docker's
// choice too. Every address of 127.0.0.0/8 is loopback's, and a program that
// listens on localhost takes 127.0.0.1.
var Address = netip.AddrFrom4([4]byte{127, 0, 0, 11})

// Config is what a Resolver answers from.
type Config struct {
	// Networks are those that the container is on, in its order. It is called
	// for each query, as networks come and go while a container runs.
	Networks func() ([]Network, error)
	// Upstream are the servers for names that are nobody's here. The first
	// three are asked, one after the other.
	Upstream []Server
}

// Network is one that the container is on.
type Network struct {
	Name string
	// Dir holds who is on it; see names.go.
	Dir string
	// Internal networks lead nowhere.
	Internal bool
}

// Server is a DNS server to forward queries to.
type Server struct {
	netip.AddrPort
	// Inside servers are asked from the container's network namespace, as the
	// user named them for it (--dns). The others are the host's own, and are
	// asked as the host asks them: 127.0.0.53 is its cache, not the container's.
	Inside bool
}

// maxServers is how many servers are asked for one name, as in glibc; see
// resolv.conf(5).
const maxServers = 3

// A Resolver serves one container.
type Resolver struct {
	config  Config
	packets *net.UDPConn
	streams *net.TCPListener
	netns   *os.File // the container's, for servers Inside

	running sync.WaitGroup
	ended   context.Context // done when the Resolver is closed
	end     context.CancelFunc
	limits
}

// Listen makes the sockets in a container's network namespace, and the rules
// that lead queries to them. From then on a client waits until Serve. The file
// remains the caller's.
func Listen(netns *os.File, config Config) (*Resolver, error) {
	config.Upstream = config.Upstream[:min(len(config.Upstream), maxServers)]
	for _, server := range config.Upstream {
		if server.Inside && server.Addr().Unmap() == Address {
			return nil, fmt.Errorf("dns server %s is the container's own resolver: name another", Address)
		}
	}
	r := &Resolver{config: config, limits: newLimits()}
	r.ended, r.end = context.WithCancel(context.Background())
	if err := r.listen(netns); err != nil {
		return nil, errors.Join(fmt.Errorf("listen for dns queries: %w", err), r.Close())
	}
	return r, nil
}

func (r *Resolver) listen(netns *os.File) (err error) {
	if r.netns, err = duplicate(netns); err != nil {
		return err
	}
	if r.packets, err = listenUDP(netns); err != nil {
		return err
	}
	if r.streams, err = listenTCP(netns); err != nil {
		return err
	}
	return redirect(netns, port(r.packets.LocalAddr()), port(r.streams.Addr()))
}

func port(address net.Addr) uint16 {
	return netip.MustParseAddrPort(address.String()).Port()
}

// Serve begins to answer, and returns at once.
func (r *Resolver) Serve() {
	r.running.Go(r.serveUDP)
	r.running.Go(r.serveTCP)
}

// Close ends all that the Resolver does, and waits until it has ended; who
// waits for an answer gets an error, or none. The rules in the container's
// namespace go with that.
func (r *Resolver) Close() error {
	r.end()
	var errs []error
	if r.packets != nil {
		errs = append(errs, r.packets.Close())
	}
	if r.streams != nil {
		errs = append(errs, r.streams.Close())
	}
	r.running.Wait()
	if r.netns != nil {
		errs = append(errs, r.netns.Close())
	}
	r.packets, r.streams, r.netns = nil, nil, nil
	return errors.Join(errs...)
}
