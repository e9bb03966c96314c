package trace

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// hostRoute asks for the route that the host takes for a packet, which may go by
// the mark that a rule of prerouting gave it (ip-rule(8), fwmark).
func (x *experiment) hostRoute(direction Way) func(*visit) Hop {
	return func(v *visit) Hop {
		hop := Hop{Way: direction, Where: onHost, What: "route"}
		to, by := v.packet.destination.Addr(), ""
		if v.mark != 0 {
			by = fmt.Sprintf(" by its mark %#x", v.mark)
		}
		found, err := x.hostWay(v)
		switch {
		case err != nil:
			hop.Text, hop.Ends = fmt.Sprintf("%s%s: %s", to, by, x.whyNot(v, err)), true
		case found.local:
			hop.Text = fmt.Sprintf("%s is one of the host's own addresses", to)
		default:
			hop.Text = fmt.Sprintf("%s %s%s", to, found, by)
		}
		return hop
	}
}

func (x *experiment) hostWay(v *visit) (way, error) {
	return x.host.route(v.packet.destination.Addr(), &netlink.RouteGetOptions{IifIndex: v.iif, SrcAddr: v.packet.source.Addr().AsSlice(), Mark: v.mark})
}

// lostInRouting: it came out of prerouting, and neither into input nor forward.
func (x *experiment) lostInRouting(way Way) bool {
	p, before := x.of(onHost).path(way), prelude(way)
	v := p.at(prerouting, placeLast, false)
	if v == nil || p.switched() || p.saw(input, placeFirst) || p.saw(forward, placeFirst) {
		return false
	}
	to := v.packet.destination.Addr()
	link, off := x.host.link(v.iif), x.notForwarding(v)
	route, err := x.hostWay(v)
	switch {
	case off != "":
		x.result(Dropped, "%sdropped by the host, which forwards nothing: %s is 0", before, off)
		x.advise("switch forwarding on: sysctl -w %s=1", off)
	case x.wrongSide(v):
		x.result(Dropped, "%sdropped by the host: its route to %s isn't by %s, where the packet came from (rp_filter)", before, v.packet.source.Addr(), link)
		x.advise("sysctl -w net.ipv4.conf.%s.rp_filter=2 has the host ask only that there be a route", link)
	case err != nil:
		x.result(Unreachable, "%sgiven up by the host: %s: %s", before, to, why(err))
		x.advise("`ip route get %s from %s iif %s%s` asks for it", to, v.packet.source.Addr(), link, markFlag(v))
		x.adviseRoute(err)
	default:
		x.result(Unreachable, "%slost in the host's routing, although there is a route: %s %s", before, to, route)
		x.advise("set net.ipv4.conf.all.log_martians to 1, trace again, and see what the kernel says: `dmesg | grep martian`")
	}
	return true
}

func markFlag(v *visit) string {
	if v.mark == 0 {
		return ""
	}
	return fmt.Sprintf(" mark %#x", v.mark)
}

// notForwarding names the sysctl that has the host forward no such packet, ""
// if none does.
func (x *experiment) notForwarding(v *visit) string {
	names := []string{"ipv4/ip_forward", "ipv4/conf/" + x.host.link(v.iif) + "/forwarding"}
	if v.packet.destination.Addr().Is6() {
		names = []string{"ipv6/conf/all/forwarding"}
	}
	for _, name := range names {
		if sysctl(name) == "0" {
			return "net." + strings.ReplaceAll(name, "/", ".")
		}
	}
	return ""
}

// whyNot puts the answer to hostWay into words.
func (x *experiment) whyNot(v *visit, err error) string {
	if x.notForwarding(v) != "" {
		return "the host doesn't forward it"
	}
	return why(err)
}

// wrongSide tells whether the host wants a packet's source to be where the
// packet came from (rp_filter in the kernel's ip-sysctl; the stricter of the
// link's and of all counts), and it isn't.
func (x *experiment) wrongSide(v *visit) bool {
	strict := max(sysctl("ipv4/conf/all/rp_filter"), sysctl("ipv4/conf/"+x.host.link(v.iif)+"/rp_filter")) == "1"
	if !strict || !v.packet.source.Addr().Is4() {
		return false
	}
	back, err := x.host.route(v.packet.source.Addr(), nil)
	return err != nil || back.link.Attrs().Index != v.iif
}

// why puts the kernel's answers about routes into words.
func why(err error) string {
	switch {
	case errors.Is(err, unix.ENETUNREACH):
		return "no route to it"
	case errors.Is(err, unix.EHOSTUNREACH):
		return "a route says that nobody reaches it"
	case errors.Is(err, unix.EACCES):
		return "a route prohibits it"
	case errors.Is(err, unix.EINVAL):
		return "a route throws it away, or its source is impossible"
	}
	return err.Error()
}

// adviseRoute tells how to find a route that is there to refuse packets. The
// kernel says which kind of route it was, and not which one.
func (x *experiment) adviseRoute(err error) {
	version, kind := "ip", map[unix.Errno]string{unix.EHOSTUNREACH: "unreachable", unix.EACCES: "prohibit", unix.EINVAL: "blackhole"}
	if x.destination.Is6() {
		version = "ip -6"
	}
	var errno unix.Errno
	if errors.As(err, &errno) && kind[errno] != "" {
		x.advise("`%s route show table all type %s` shows such routes", version, kind[errno])
	}
}
