package trace

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
)

// experiment is a trace as it goes on.
type experiment struct {
	probe       Probe
	report      *Report
	ns          *os.File // the container's network namespace, nil if it is the host's
	in, host    view
	destination netip.Addr
	route       way
	cable       cable
	call        *call
	outcome     outcome
	taps        []*side // the container's, unless it is on the host's network, and the host's
	legacy      []legacyRule
}

// side is what was seen in one namespace.
type side struct {
	where     string
	tap       *tap
	listener  *listener
	view      view
	out, back path
}

func (s *side) path(way Way) path {
	if way == Back {
		return s.back
	}
	return s.out
}

// The places of a hop.
const (
	inContainer = "container"
	onCable     = "cable"
	onHost      = "host"
)

func (x *experiment) run(ctx context.Context) (err error) {
	if x.ns, err = openNamespace(x.probe.NetNS); err != nil {
		return err
	}
	if x.ns != nil {
		defer x.ns.Close()
	}
	if x.in, err = newView(x.ns); err != nil {
		return err
	}
	defer x.in.Close()
	if x.host, err = newView(nil); err != nil {
		return err
	}
	defer x.host.Close()
	if x.destination, err = x.lookUp(ctx); err != nil || !x.destination.IsValid() {
		return err
	}
	if x.route, err = x.in.route(x.destination, nil); err != nil {
		x.noRoute(err)
		return nil
	}
	x.cable = x.in.cable(x.route.link, x.host, x.ns)
	if x.call, err = newCall(x.ns, protocolNumber(x.report.Protocol, x.destination), x.route.source, netip.AddrPortFrom(x.destination, x.probe.Port)); err != nil {
		return err
	}
	defer x.call.close()
	defer x.stop()
	if err := x.observe(ctx); err != nil {
		return err
	}
	x.write()
	x.conclude()
	return nil
}

// observe opens the taps, sends the packet and waits for what becomes of it.
func (x *experiment) observe(ctx context.Context) error {
	if x.ns != nil {
		if err := x.open(inContainer, x.ns, x.in); err != nil {
			return err
		}
	}
	if err := x.open(onHost, nil, x.host); err != nil {
		return err
	}
	before := legacyRules()
	var listeners []*listener
	for _, side := range x.taps {
		listeners = append(listeners, side.listener)
	}
	patience := x.probe.Timeout
	refusal := x.call.send()
	if refusal != nil {
		patience = 0 // only what nftables has to say about it
	}
	outcome, err := await(ctx, x.call, listeners, patience, x.over)
	if err != nil {
		return err
	}
	x.outcome = outcome
	errors.As(refusal, &x.outcome.errno)
	x.sort()
	x.legacy = counted(before, legacyRules())
	return nil
}

func (x *experiment) open(where string, ns *os.File, v view) error {
	tap, err := openTap(ns, x.call.flow, where == onHost)
	if err != nil {
		return err
	}
	x.taps = append(x.taps, &side{where: where, tap: tap, view: v})
	listener, err := listen(ns)
	if err != nil {
		return err
	}
	x.taps[len(x.taps)-1].listener = listener
	return nil
}

// stop removes the tables.
func (x *experiment) stop() {
	for _, side := range x.taps {
		if side.listener != nil {
			side.listener.close()
		}
		side.tap.close()
	}
}

// over: a rule has dropped the packet, or the answer. Nobody will say more.
func (x *experiment) over() bool {
	x.sort()
	for _, side := range x.taps {
		if side.out.drop() != nil || side.back.drop() != nil {
			return true
		}
	}
	return false
}

func (x *experiment) sort() {
	for _, side := range x.taps {
		side.out, side.back = side.tap.paths(side.listener.events, x.call.flow)
	}
}

// of returns what was seen in the container or on the host.
func (x *experiment) of(where string) *side {
	for _, side := range x.taps {
		if side.where == where {
			return side
		}
	}
	return &side{where: where}
}

// cable is what joins the container's link to the host.
type cable struct {
	inner, outer, bridge netlink.Link // the latter two nil where there are none
	lower                string       // the host's link that a macvlan or ipvlan is on
}

// cable follows a veth pair, whose ends know each other's index.
func (v view) cable(inner netlink.Link, host view, ns *os.File) cable {
	c := cable{inner: inner}
	if kind := inner.Type(); kind == "macvlan" || kind == "ipvlan" {
		c.lower = host.link(inner.Attrs().ParentIndex)
	}
	if inner.Type() != "veth" || ns == nil {
		return c
	}
	outer, err := host.LinkByIndex(inner.Attrs().ParentIndex)
	if err != nil || outer.Type() != "veth" || outer.Attrs().ParentIndex != inner.Attrs().Index || !peerIn(outer, ns, host) {
		return c
	}
	c.outer = outer
	if outer.Attrs().MasterIndex != 0 {
		c.bridge, _ = host.LinkByIndex(outer.Attrs().MasterIndex)
	}
	return c
}

// peerIn tells whether a link's other end is in a namespace, by the number
// under which the host knows that one.
func peerIn(outer netlink.Link, ns *os.File, host view) bool {
	number, err := host.GetNetNsIdByFd(int(ns.Fd()))
	return err == nil && number == outer.Attrs().NetNsID
}

func (c cable) String() string {
	name := c.inner.Attrs().Name
	switch kind := c.inner.Type(); {
	case c.bridge != nil:
		return fmt.Sprintf("%s ═ %s, a port of bridge %s", name, c.outer.Attrs().Name, c.bridge.Attrs().Name)
	case c.outer != nil:
		return fmt.Sprintf("%s ═ %s", name, c.outer.Attrs().Name)
	case kind == "macvlan" || kind == "ipvlan":
		return fmt.Sprintf("%s is a %s: packets leave by %s, past the host's rules", name, kind, c.lower)
	case kind == "tuntap":
		return fmt.Sprintf("%s is a tap device: a program such as pasta carries the packets on as its own", name)
	}
	return fmt.Sprintf("%s, a link of type %s", name, c.inner.Type())
}
