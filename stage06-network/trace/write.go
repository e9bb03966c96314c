package trace

import (
	"fmt"
	"net/netip"

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
	if !x.route.local {
		x.say(Out, inContainer, "neighbour", neighbourText(hop, x.in.neighbour(hop, x.route.link)))
	}
	container, host := x.of(inContainer), x.of(onHost)
	x.chapter(Out, container, container.out, nil)
	if x.ns != nil && !x.route.local {
		x.say(Out, onCable, "cable", x.cable.String())
	}
	x.chapter(Out, host, host.out, x.hostRoute(Out))
	x.leave(host.out)
	x.chapter(Back, host, host.back, x.hostRoute(Back))
	x.chapter(Back, container, container.back, nil)
}

func (x *experiment) chapter(way Way, s *side, p path, route func(packet, int) Hop) {
	c := chapter{way: way, where: s.where, tap: s.tap, view: s.view, path: p, route: route}
	x.report.Hops = append(x.report.Hops, c.write()...)
}

func (x *experiment) routeText(to netip.Addr, w way) string {
	text := fmt.Sprintf("%s %s", to, w)
	if w.source.IsValid() && !w.local {
		text += fmt.Sprintf(" src %s", w.source)
	}
	return text
}

func neighbourText(of netip.Addr, n neighbour) string {
	switch {
	case n.unanswered():
		return fmt.Sprintf("%s doesn't answer: nobody at this link has that address", of)
	case len(n.hardware) == 0:
		return fmt.Sprintf("%s needs no hardware address here", of)
	}
	return fmt.Sprintf("%s is at %s", of, n.hardware)
}

// hostRoute asks for the route that the host takes for a packet.
func (x *experiment) hostRoute(direction Way) func(packet, int) Hop {
	return func(p packet, iif int) Hop {
		hop := Hop{Way: direction, Where: onHost, What: "route"}
		found, err := x.host.route(p.destination.Addr(), &netlink.RouteGetOptions{IifIndex: iif, SrcAddr: p.source.Addr().AsSlice()})
		if err != nil {
			hop.Text, hop.Ends = fmt.Sprintf("%s: %s", p.destination.Addr(), why(err)), true
			return hop
		}
		hop.Text = fmt.Sprintf("%s %s", p.destination.Addr(), found)
		return hop
	}
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
	x.say(Out, onHost, "neighbour", neighbourText(next, x.host.neighbour(next, link))+x.behind(link, next))
}

// next is the neighbour that a packet was given to, by the route that the host
// has for it now.
func (x *experiment) next(v *visit) (netip.Addr, bool) {
	to := v.packet.destination.Addr()
	found, err := x.host.route(to, &netlink.RouteGetOptions{OifIndex: v.oif})
	if err != nil || found.local {
		return netip.Addr{}, false
	}
	return found.nextHop(to), true
}

// behind names the cable, and the container at its other end, where the
// neighbour is one of a bridge's.
func (x *experiment) behind(bridge netlink.Link, of netip.Addr) string {
	if bridge.Type() != "bridge" {
		return ", by " + bridge.Attrs().Name
	}
	port := x.host.port(bridge, x.host.neighbour(of, bridge).hardware)
	if port == nil {
		return ", by bridge " + bridge.Attrs().Name
	}
	text := fmt.Sprintf(", behind port %s of bridge %s", port.Attrs().Name, bridge.Attrs().Name)
	for _, other := range x.probe.Others {
		if ns, err := openNamespace(other.NetNS); err == nil && ns != nil {
			if peerIn(port, ns, x.host) {
				text += ", the cable of " + other.Name
			}
			ns.Close()
		}
	}
	return text
}
