package cli

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"cooper/stage06-network"
	"cooper/stage07-cli/engine"
)

// parsePorts reads all the -p flags of a line.
func parsePorts(flags []string) ([]engine.Port, error) {
	var all []engine.Port
	for _, flag := range flags {
		ports, err := network.ParsePort(flag)
		if err != nil {
			return nil, err
		}
		all = append(all, ports...)
	}
	return all, nil
}

// parseExposed reads all the --expose flags of a line.
func parseExposed(flags []string) ([]string, error) {
	var all []string
	for _, flag := range flags {
		ports, err := engine.ParseExposed(flag)
		if err != nil {
			return nil, fmt.Errorf("--expose: %w", err)
		}
		all = append(all, ports...)
	}
	return all, nil
}

// A shownPort is one that ps shows: on one address of the host, or on none if
// it is only exposed.
type shownPort struct {
	address         netip.Addr
	public, private int
	protocol        string
}

// portList writes ports as ps shows them, in Docker's order. Neighbours whose
// numbers are the same on both sides stand together:
//
//	100-103/tcp, 0.0.0.0:9002-9003->9002-9003/tcp, 0.0.0.0:8080->80/tcp
func portList(ports []engine.Port, exposed []string) string {
	type side struct {
		address  netip.Addr
		protocol string
	}
	var list, led []string
	var sides []side
	open := map[side]*portRun{}
	for _, port := range shownPorts(ports, exposed) {
		if port.address.IsValid() && port.public != port.private {
			led = append(led, portRun{port, port.private}.String())
			continue
		}
		at := side{port.address, port.protocol}
		run := open[at]
		switch {
		case run == nil:
			open[at] = &portRun{port, port.private}
			sides = append(sides, at)
		case port.private == run.last+1:
			run.last++
		default:
			list = append(list, run.String())
			*run = portRun{port, port.private}
		}
	}
	for _, at := range sides {
		list = append(list, open[at].String())
	}
	return strings.Join(append(list, led...), ", ")
}

// shownPorts are the published ports, and those of the exposed that aren't, by
// their number in the container.
func shownPorts(ports []engine.Port, exposed []string) (all []shownPort) {
	published := map[string]bool{}
	for _, port := range ports {
		published[containerSide(port)] = true
		for _, host := range engine.HostSides(port) {
			all = append(all, shownPort{host.Addr(), int(host.Port()), int(port.ContainerPort), port.Protocol})
		}
	}
	for _, port := range exposed {
		number, protocol, _ := strings.Cut(port, "/")
		private, err := strconv.Atoi(number)
		if err == nil && !published[port] {
			all = append(all, shownPort{private: private, protocol: protocol})
		}
	}
	slices.SortStableFunc(all, func(a, b shownPort) int {
		return cmp.Or(cmp.Compare(a.private, b.private), a.address.Compare(b.address), cmp.Compare(a.public, b.public), cmp.Compare(a.protocol, b.protocol))
	})
	return all
}

// A portRun is a port, and those that follow it up to the last one.
type portRun struct {
	shownPort
	last int
}

func (r portRun) String() string {
	numbers := func(first int) string {
		if r.last == r.private {
			return strconv.Itoa(first)
		}
		return fmt.Sprintf("%d-%d", first, first+r.last-r.private)
	}
	inside := numbers(r.private) + "/" + r.protocol
	if !r.address.IsValid() {
		return inside
	}
	return fmt.Sprintf("%s->%s", net.JoinHostPort(r.address.String(), numbers(r.public)), inside)
}

func containerSide(p engine.Port) string { return fmt.Sprintf("%d/%s", p.ContainerPort, p.Protocol) }
