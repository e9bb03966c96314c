package trace

import (
	"net"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// concludeLoss finds where the packet was seen last, if that is on this host
// and no rule of nftables dropped it.
func (x *experiment) concludeLoss() bool {
	container, host := x.of(inContainer), x.of(onHost)
	return x.lostInHook(container, Out) ||
		x.lostOnCable() ||
		x.lostInBridge() ||
		x.lostInHook(host, Out) ||
		x.lostInRouting(Out) ||
		x.lostAtNeighbour() ||
		x.lostInHook(host, Back) ||
		x.lostInRouting(Back)
}

// lostOnCable: it left the container and never came to the host.
func (x *experiment) lostOnCable() bool {
	arrived := len(x.of(onHost).out) > 0
	if x.ns == nil || arrived || x.route.local {
		return false
	}
	next := x.route.nextHop(x.destination)
	switch {
	case x.in.neighbour(next, x.route.link).unanswered():
		x.result(Unreachable, "%s doesn't answer at %s: nobody there has that address", next, x.route.link.Attrs().Name)
		x.adviseNeighbour(next)
		return true
	case x.cable.outer == nil || x.outcome.errno != 0:
		return false // nobody says that it should have come by here
	}
	inner, outer := x.cable.inner.Attrs().Name, x.cable.outer.Attrs().Name
	x.result(Lost, "lost between %s and %s, before the first rule that can be traced", inner, outer)
	for _, chain := range x.of(onHost).tap.rules.atIngress() {
		x.advise("`nft list chain %s` has rules for what comes in by a link", chain)
	}
	x.advise("`tc filter show dev %s ingress` and `ip -d link show %[1]s` (an XDP program) tell who else takes packets there", outer)
	return true
}

// adviseNeighbour tells why nobody may have answered, beginning with what keeps
// any question from being heard.
func (x *experiment) adviseNeighbour(next netip.Addr) {
	for _, link := range []netlink.Link{x.cable.outer, x.cable.bridge} {
		if link != nil && link.Attrs().Flags&net.FlagUp == 0 {
			x.advise("%s, where the cable leads, is down: ip link set %[1]s up", link.Attrs().Name)
			return
		}
	}
	if next != x.route.gateway && x.isolated() {
		x.adviseIsolated()
		return
	}
	if next == x.route.gateway && x.cable.bridge != nil {
		x.advise("the gateway is bridge %s: is it up, and has it the address %s? `ip addr show %s` tells", x.cable.bridge.Attrs().Name, next, x.cable.bridge.Attrs().Name)
		return
	}
	x.advise("is the machine or container with %s running, and on this network?", next)
}

// isolated tells whether the container's port of the bridge is one that
// exchanges nothing with its like; see bridge(8), "isolated".
func (x *experiment) isolated() bool {
	if x.cable.bridge == nil {
		return false
	}
	port, err := x.host.LinkGetProtinfo(x.cable.outer)
	return err == nil && port.Isolated
}

// lostInBridge: it came into the bridge, which gave it to no port and not to
// the host either.
func (x *experiment) lostInBridge() bool {
	p := x.of(onHost).out
	if p.at(prerouting, placeLast, true) == nil || p.switched() || p.at(input, placeFirst, true) != nil {
		return false
	}
	x.result(Lost, "lost in bridge %s, which has no port for it", x.cable.bridge.Attrs().Name)
	if x.isolated() {
		x.adviseIsolated()
	}
	return true
}

func (x *experiment) adviseIsolated() {
	x.advise("port %s of bridge %s is isolated: the containers of this network don't reach one another", x.cable.outer.Attrs().Name, x.cable.bridge.Attrs().Name)
}

func prelude(way Way) string {
	if way == Back {
		return "delivered, but the answer was "
	}
	return ""
}

// lostInHook: it came into a hook and not out of it, and nftables doesn't say
// why. So it was something else that sits there: iptables-legacy.
func (x *experiment) lostInHook(s *side, way Way) bool {
	p, before := s.path(way), prelude(way)
	hook, lost := p.lostIn()
	if !lost {
		return false
	}
	name := strings.ToUpper(hooks[hook])
	if s.where == onHost && len(x.legacy) > 0 {
		rule := x.legacy[0]
		x.result(Dropped, "%sdropped by %s in iptables-legacy's table %s, on the host", before, rule.position(), rule.table)
		hop := x.say(way, onHost, hooks[hook], "iptables-legacy, which nftables doesn't see")
		hop.Chain, hop.Rule, hop.Ends = "iptables-legacy "+rule.table+" "+rule.chain, rule.text(), true
		x.adviseLegacy(rule)
		return true
	}
	if e := p.queued(); e != nil {
		x.result(Lost, "%shanded to a program by a rule of chain %s, table %s %s, %s, and not given back", before, e.chain, families[e.family], e.table, places[s.where])
		x.advise("does the program run, and let it pass? `cat /proc/net/netfilter/nfnetlink_queue` lists who takes packets")
		return true
	}
	x.result(Lost, "%slost in the hook %s %s, after chain %s: not by a rule of nftables", before, hooks[hook], places[s.where], p.last().chain.chain)
	if tables := legacyTables(); len(tables) > 0 {
		x.advise("iptables-legacy has the tables %s here, which nftables doesn't see: `iptables-legacy -S %s`", strings.Join(tables, ", "), name)
	}
	return true
}

// lostAtNeighbour: it went through all hooks, and whom it was for isn't there.
func (x *experiment) lostAtNeighbour() bool {
	last := x.of(onHost).out.last()
	if last == nil || last.hook != postrouting || last.place != placeLast || x.outcome.answered {
		return false
	}
	next, found := x.next(last)
	link, err := x.host.LinkByIndex(last.oif)
	if !found || err != nil || !x.host.neighbour(next, link).unanswered() {
		return false
	}
	x.result(Unreachable, "%s doesn't answer at %s of the host: nobody there has that address", next, link.Attrs().Name)
	if x.outcome.errno == unix.EHOSTUNREACH {
		x.advise("the host told the container so: no route to host")
	}
	return true
}
