package trace

import (
	"slices"
	"strings"

	"github.com/google/nftables"
)

// visit is a packet in one base chain, with every rule that matched it there
// and in the chains that were jumped to.
type visit struct {
	chain    chainName
	hook     int
	place    string // of a chain of ours: placeFirst, placeTracked or placeLast
	packet   packet // as it came in
	iif, oif int
	mark     uint32
	events   []event
}

func (v *visit) ours() bool    { return v.place != "" }
func (v *visit) bridged() bool { return v.chain.family == nftables.TableFamilyBridge }

// path is one packet's visits in a namespace, in their order.
type path []*visit

// paths sorts what a listener heard: the packet on its way out, and the answer.
//
// A chain is visited once in each direction. Whatever visits it again is the
// packet sent anew, which fares the same; the end of a connection that was
// made; or the same packet that a bridge showed to the rules already
// (br_netfilter).
func (t *tap) paths(events []event, f flow) (out, back path) {
	sorter := sorter{tap: t, flow: f, ways: map[uint32]Way{}, open: map[uint32]*visit{}, seen: map[Way]map[chainName]bool{Out: {}, Back: {}}}
	for _, e := range events {
		if e.begins() {
			sorter.begin(e)
		}
		if v := sorter.open[e.id]; v != nil {
			v.events = append(v.events, e)
		}
	}
	return sorter.out, sorter.back
}

type sorter struct {
	tap       *tap
	flow      flow
	ways      map[uint32]Way    // of each packet that is known
	open      map[uint32]*visit // of each packet
	seen      map[Way]map[chainName]bool
	out, back path
}

func (s *sorter) begin(e event) {
	delete(s.open, e.id)
	way := s.way(e)
	name := chainName{e.family, e.table, e.chain}
	another := e.table != s.tap.table && strings.HasPrefix(e.table, tablePrefix) // trace, at the same time
	if way == "" || another || s.seen[way][name] {
		return
	}
	s.ways[e.id], s.seen[way][name] = way, true
	v := &visit{chain: name, packet: *e.packet, iif: e.iif, oif: e.oif, mark: e.mark}
	if e.table == s.tap.table {
		v.hook, v.place = ourChain(e.chain)
	} else if chain := s.tap.rules.chains[name]; chain != nil && chain.Hooknum != nil {
		v.hook = int(*chain.Hooknum)
	}
	s.open[e.id] = v
	if way == Out {
		s.out = append(s.out, v)
	} else {
		s.back = append(s.back, v)
	}
}

// way tells the direction by the container's address, or, where it is
// translated, by what was known before. Packets of other traces have none.
func (s *sorter) way(e event) Way {
	switch {
	case e.packet.redirects():
		return ""
	case s.flow.out(*e.packet):
		return Out
	case s.flow.back(*e.packet):
		return Back
	case e.table == s.tap.table && e.handle != 0 && strings.HasSuffix(e.chain, placeTracked):
		return Back // our rule for answers matched
	}
	return s.ways[e.id]
}

func ourChain(name string) (hook int, place string) {
	name, place, _ = strings.Cut(name, "_")
	for number, hook := range hooks {
		if hook == name {
			return number, "_" + place
		}
	}
	return 0, "_" + place
}

// saw tells whether the packet was in our chain there, in a table of family inet.
func (p path) saw(hook int, place string) bool { return p.at(hook, place, false) != nil }

func (p path) at(hook int, place string, bridged bool) *visit {
	for _, v := range p {
		if v.hook == hook && v.place == place && v.bridged() == bridged {
			return v
		}
	}
	return nil
}

// switched tells whether a bridge carried the packet from port to port; then
// nobody asked for a route.
func (p path) switched() bool { return p.at(forward, placeFirst, true) != nil }

// lostIn finds the hook that the packet came into and not out of.
func (p path) lostIn() (hook int, lost bool) {
	for _, hook := range []int{prerouting, input, forward, output, postrouting} {
		in := p.saw(hook, placeFirst) || p.saw(hook, placeTracked)
		if in && !p.saw(hook, placeLast) {
			return hook, true
		}
	}
	return 0, false
}

// drop finds the rule or policy that ended the packet's way; nil if none did.
func (p path) drop() *event {
	for _, v := range p {
		for i, e := range v.events {
			if e.dropped() && e.table == v.chain.table {
				return &v.events[i]
			}
		}
	}
	return nil
}

// queued finds the rule that handed the packet to a program where it was seen
// last; nil if none did.
func (p path) queued() *event {
	if len(p) == 0 {
		return nil
	}
	last := p.last()
	if i := slices.IndexFunc(last.events, event.queued); i >= 0 {
		return &last.events[i]
	}
	return nil
}

// last is the packet as it was seen last, with the link it leaves by.
func (p path) last() *visit {
	if len(p) == 0 {
		return nil
	}
	return p[len(p)-1]
}
