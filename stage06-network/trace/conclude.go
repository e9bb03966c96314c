package trace

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

func (x *experiment) result(result Result, format string, values ...any) {
	x.report.Result, x.report.Sentence = result, fmt.Sprintf(format, values...)
}

func (x *experiment) advise(format string, values ...any) {
	x.report.Advice = append(x.report.Advice, fmt.Sprintf(format, values...))
}

// conclude comes to the one sentence. What is certain goes first: a rule that
// says itself that it dropped the packet, then what the sender learned, and
// only then where the packet was seen last.
func (x *experiment) conclude() {
	x.report.RoundTrip = x.outcome.after
	switch {
	case x.concludeDrop():
	case x.outcome.answered:
		x.result(Answered, "delivered, answered in %s", milliseconds(x.outcome.after))
	case x.concludeLoss():
	case x.outcome.refused():
		x.refused()
	case x.outcome.icmp.forbids():
		x.result(Unreachable, "%s answers that it forbids the packet: a firewall there, or on its way", x.outcome.by)
	case x.outcome.icmp.expired():
		x.result(Unreachable, "%s gave the packet up after too many hops: the routes there may lead in a circle", x.outcome.by)
	case x.outcome.errno != 0 && x.outcome.by.IsValid():
		x.result(Unreachable, "%s answers: %s", x.outcome.by, x.outcome.errno)
	case x.outcome.errno != 0:
		x.result(Unreachable, "not sent: %s", x.outcome.errno)
	default:
		x.silence()
	}
	if x.report.Result == Answered || x.report.Result == Silent {
		x.adviseMTU()
	}
	for _, side := range x.taps {
		if side.listener.lost {
			x.advise("the kernel had more to report than could be read: some rules are missing here. Trace again.")
		}
	}
}

// concludeDrop: nftables said who ended it.
func (x *experiment) concludeDrop() bool {
	for _, end := range []struct {
		side *side
		path path
		what string
	}{
		{x.of(inContainer), x.of(inContainer).out, "dropped"},
		{x.of(onHost), x.of(onHost).out, "dropped"},
		{x.of(onHost), x.of(onHost).back, "delivered, but the answer was dropped"},
		{x.of(inContainer), x.of(inContainer).back, "delivered, but the answer was dropped"},
	} {
		e := end.path.drop()
		if e == nil {
			continue
		}
		hop := x.endingHop()
		name := chainName{e.family, e.table, e.chain}
		if e.kind == unix.NFT_TRACETYPE_POLICY {
			x.result(Dropped, "%s by the policy of chain %s, table %s %s, %s", end.what, e.chain, families[e.family], e.table, places[end.side.where])
		} else {
			x.result(Dropped, "%s by a rule of chain %s, table %s %s, %s: %s", end.what, e.chain, families[e.family], e.table, places[end.side.where], hop.Rule)
		}
		x.adviseDrop(end.side, name, hop)
		return true
	}
	return false
}

func (x *experiment) endingHop() Hop {
	for _, hop := range x.report.Hops {
		if hop.Ends && hop.Chain != "" {
			return hop
		}
	}
	return Hop{}
}

// refused: a TCP reset or an ICMP error for the port came from the destination.
func (x *experiment) refused() {
	to := x.call.flow.destination
	if last := x.of(onHost).out.last(); last != nil {
		to = last.packet.destination
	}
	if by := x.outcome.by; by.IsValid() && by != to.Addr() && by != x.destination {
		x.result(Refused, "refused by %s, which is not the destination: a firewall on the way", by)
		return
	}
	x.result(Refused, "delivered, and refused in %s: nothing listens at %s port %d of %s", milliseconds(x.outcome.after), x.report.Protocol, to.Port(), to.Addr())
	x.advise("start the service there, or have it listen on %s and not on 127.0.0.1 alone", to.Addr())
}

// silence: the packet wasn't lost here, and nothing came back.
func (x *experiment) silence() {
	last := x.of(onHost).out.last()
	if last == nil {
		last = x.of(inContainer).out.last()
	}
	where := "delivered"
	if last != nil && last.hook == postrouting && last.oif != 0 && !x.of(onHost).out.switched() {
		where = "it left by " + x.host.link(last.oif)
	}
	x.result(Silent, "%s; no answer within %s", where, x.probe.Timeout)
	switch {
	case x.report.Protocol == "udp":
		x.advise("UDP promises no answer: the service may have taken the packet and have nothing to say to it")
	default:
		x.advise("look on at %s: a firewall there, or no way back to %s", x.destination, x.seenSource())
	}
}

// seenSource is the packet's source as it left.
func (x *experiment) seenSource() netip.Addr {
	if last := x.of(onHost).out.last(); last != nil {
		return last.packet.source.Addr()
	}
	return x.call.flow.source.Addr()
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// noRoute concludes before a packet was sent.
func (x *experiment) noRoute(err error) {
	hop := x.say(Out, inContainer, "route", fmt.Sprintf("%s: %s", x.destination, why(err)))
	hop.Ends = true
	if errors.Is(err, unix.ENETUNREACH) {
		x.result(Unreachable, "no route to %s from the container", x.destination)
	} else {
		x.result(Unreachable, "no route to %s from the container: %s", x.destination, why(err))
	}
	switch {
	case !errors.Is(err, unix.ENETUNREACH):
		x.adviseRoute(err)
	case x.in.hasDefault(x.destination):
	case x.destination.Is6():
		x.advise("the container has no default route for IPv6: its networks have no IPv6, or are internal")
	default:
		x.advise("the container has no default route: its networks are internal, or it has none")
	}
}

// places are where a packet can be, in a sentence.
var places = map[string]string{inContainer: "in the container", onHost: "on the host"}
