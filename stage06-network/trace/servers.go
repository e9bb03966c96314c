package trace

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"cooper/stage06-network/resolvconf"
	"cooper/stage06-network/resolver"
)

// maxServers is how many name servers a program asks; MAXNS in resolv.conf(5).
const maxServers = 3

// askServers asks the container's name servers for the full names that a name
// may stand for, and takes the first that somebody has an address for.
func (x *experiment) askServers(ctx context.Context, name string, config resolvconf.File) (netip.Addr, error) {
	servers := config.Servers[:min(len(config.Servers), maxServers)]
	if len(servers) == 0 {
		x.unknown(name, "/etc/resolv.conf names no server")
		return netip.Addr{}, nil
	}
	var last miss
	for _, full := range config.Candidates(name) {
		for _, server := range servers {
			addresses, err := x.ask(ctx, server, full)
			if ctx.Err() != nil {
				return netip.Addr{}, fmt.Errorf("look the name up: %w", ctx.Err())
			}
			if len(addresses) > 0 {
				x.say(Out, inContainer, "name", fmt.Sprintf("%s is %s, says name server %s of /etc/resolv.conf", strings.TrimSuffix(full, "."), addresses[0], server))
				return addresses[0], nil
			}
			last = miss{server, strings.TrimSuffix(full, "."), err}
			if err == nil {
				break // another server would say the same
			}
		}
	}
	x.unknown(name, last.String())
	x.adviseMiss(last)
	return netip.Addr{}, nil
}

// unknown concludes before a packet was sent.
func (x *experiment) unknown(name, why string) {
	x.say(Out, inContainer, "name", fmt.Sprintf("%s: %s", name, why)).Ends = true
	x.result(Unknown, "the container finds no address for %s: %s", name, why)
}

// miss is a server that gave no address for a name; err is nil where it said
// that there is none.
type miss struct {
	server netip.Addr
	name   string
	err    error
}

func (m miss) String() string {
	var code errCode
	switch {
	case m.err == nil:
		return fmt.Sprintf("name server %s knows no %s", m.server, m.name)
	case errors.Is(m.err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("name server %s doesn't answer within %s", m.server, serverPatience)
	case errors.Is(m.err, unix.ECONNREFUSED):
		return fmt.Sprintf("nobody listens at the name server's address %s", m.server)
	case errors.Is(m.err, unix.ENETUNREACH):
		return fmt.Sprintf("there is no route to name server %s", m.server)
	case errors.As(m.err, &code):
		return fmt.Sprintf("name server %s answers %s", m.server, code)
	}
	return fmt.Sprintf("ask name server %s: %s", m.server, m.err)
}

func (x *experiment) adviseMiss(m miss) {
	if !strings.Contains(m.name, ".") {
		x.advise("a container's name is known to those that share a network with it, other than the default one")
	}
	var code errCode
	switch own := m.server == resolver.Address; {
	case m.err == nil:
	case own && errors.Is(m.err, unix.ECONNREFUSED):
		x.advise("%s is the engine's own: it ends with the container's supervisor, which isn't there any more", m.server)
	case own:
		x.advise("%s is the engine's own: it asks the servers of --dns, or the host's, and nobody at all if the container's networks are internal", m.server)
	case !errors.As(m.err, &code):
		x.advise("trace the way there with --udp: %s", netip.AddrPortFrom(m.server, 53))
	}
}
