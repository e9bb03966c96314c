package trace

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
)

// say adds a hop in words.
func (x *experiment) say(way Way, where, what, text string) *Hop {
	x.report.Hops = append(x.report.Hops, Hop{Way: way, Where: where, What: what, Text: text})
	return &x.report.Hops[len(x.report.Hops)-1]
}

// write makes the hops, in the order of the way.
func (x *experiment) write() {
	x.report.Packet = packet(x.call.flow).String()
	x.say(Out, inContainer, "route", x.routeText(x.destination, x.route))
	hop := x.route.nextHop(x.destination)
	if n := x.in.neighbour(hop, x.route.link); n.asked() {
		x.say(Out, inContainer, "neighbour", n.text(hop, x.route.link.Attrs().Name)).Ends = n.unanswered()
	}
	container, host := x.of(inContainer), x.of(onHost)
	x.chapter(Out, container, container.out, nil)
	if x.ns != nil && !x.route.local && !x.ended() {
		x.say(Out, onCable, "cable", x.cable.String())
	}
	x.chapter(Out, host, host.out, x.hostRoute(Out))
	x.leave(host.out)
	x.chapter(Back, host, host.back, x.hostRoute(Back))
	x.chapter(Back, container, container.back, nil)
}

func (x *experiment) chapter(way Way, s *side, p path, route func(*visit) Hop) {
	c := chapter{way: way, where: s.where, tap: s.tap, view: s.view, port: x.port, path: p, route: route}
	x.report.Hops = append(x.report.Hops, c.write()...)
}

func (x *experiment) routeText(to netip.Addr, w way) string {
	if w.local {
		return fmt.Sprintf("%s is one of the container's own addresses", to)
	}
	text := fmt.Sprintf("%s %s", to, w)
	if w.source.IsValid() {
		text += fmt.Sprintf(" src %s", w.source)
	}
	return text
}

// ended tells whether a hop was the packet's last.
func (x *experiment) ended() bool {
	return slices.ContainsFunc(x.report.Hops, func(hop Hop) bool { return hop.Ends })
}

// leave says whom the packet was given to after the last hook.
func (x *experiment) leave(p path) {
	last := p.last()
	if last == nil || last.hook != postrouting || last.place != placeLast || p.switched() {
		return
	}
	link, err := x.host.LinkByIndex(last.oif)
	if err != nil {
		return
	}
	next, found := x.next(last)
	if !found {
		return
	}
	n := x.host.neighbour(next, link)
	if !n.asked() {
		return
	}
	text := n.text(next, link.Attrs().Name)
	if port := x.host.bridgePort(link, n.hardware); port != nil {
		text += ", behind port " + x.port(port.Attrs().Index)
	}
	x.say(Out, onHost, "neighbour", text).Ends = n.unanswered()
}

// next is the neighbour that a packet was given to, by the route that the host
// has for it now.
func (x *experiment) next(v *visit) (netip.Addr, bool) {
	to := v.packet.destination.Addr()
	found, err := x.host.route(to, &netlink.RouteGetOptions{OifIndex: v.oif, Mark: v.mark})
	if err != nil || found.local {
		return netip.Addr{}, false
	}
	return found.nextHop(to), true
}

// port names a bridge's port, and the container at the other end of its cable.
func (x *experiment) port(index int) string {
	name := x.host.link(index)
	link, err := x.host.LinkByIndex(index)
	if err != nil {
		return name
	}
	for _, other := range x.probe.Others {
		ns, err := openNamespace(other.NetNS)
		if err != nil || ns == nil {
			continue // it has ended by now, or is on the host's network
		}
		if peerIn(link, ns, x.host) {
			name += " (" + other.Name + ")"
		}
		ns.Close()
	}
	return name
}
