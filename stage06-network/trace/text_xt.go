package trace

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

// iptables-nft writes what nftables has no words for as iptables' own matches
// and targets. Those that Docker, Podman and ufw use are written in nft's
// words; of the others the name must do.
func (w *writer) match(e *expr.Match) {
	switch info := e.Info.(type) {
	case *xt.Comment:
		w.comment = strings.TrimRight(string(*info), "\x00")
	case *xt.ConntrackMtinfo3:
		w.conntrack(info.ConntrackMtinfo2)
	case *xt.ConntrackMtinfo2:
		w.conntrack(*info)
	case *xt.AddrTypeV1:
		w.addrtype(info)
	case *xt.Tcp:
		w.portRange("tcp sport", info.SrcPorts, info.InvFlags&xt.TcpInvSrcPorts != 0)
		w.portRange("tcp dport", info.DstPorts, info.InvFlags&xt.TcpInvDestPorts != 0)
	case *xt.Udp:
		w.portRange("udp sport", info.SrcPorts, info.InvFlags&xt.UdpInvSrcPorts != 0)
		w.portRange("udp dport", info.DstPorts, info.InvFlags&xt.UdpInvDestPorts != 0)
	default:
		w.say(fmt.Sprintf("xt match %q", e.Name))
	}
}

// conntrack: --ctstate's bits are those of struct xt_conntrack_mtinfo3, and
// its SNAT and DNAT are what nft calls a status.
func (w *writer) conntrack(info xt.ConntrackMtinfo2) {
	const snat, dnat = 1 << 6, 1 << 7
	for _, ask := range []struct {
		what  xt.ConntrackFlags
		words string
		mask  uint16
		names []flag
	}{
		{xt.ConntrackState, "ct state", info.StateMask &^ (snat | dnat), []flag{{1, "invalid"}, {8, "new"}, {2, "established"}, {4, "related"}, {256, "untracked"}}},
		{xt.ConntrackState, "ct status", info.StateMask & (snat | dnat), []flag{{snat, "snat"}, {dnat, "dnat"}}},
		{xt.ConntrackStatus, "ct status", info.StatusMask, []flag{{1, "expected"}, {2, "seen-reply"}, {4, "assured"}, {8, "confirmed"}}},
	} {
		if xt.ConntrackFlags(info.MatchFlags)&ask.what == 0 || ask.mask == 0 {
			continue
		}
		not := " "
		if xt.ConntrackFlags(info.InvertFlags)&ask.what != 0 {
			not = " ! "
		}
		w.say(ask.words + not + flags(uint32(ask.mask), ask.names))
	}
	if xt.ConntrackFlags(info.MatchFlags)&^(xt.ConntrackState|xt.ConntrackStatus|xt.ConntrackStateAlias) != 0 {
		w.say(`xt match "conntrack"`)
	}
}

// addrtype: --src-type, --dst-type are sets of types, bit by bit.
func (w *writer) addrtype(info *xt.AddrTypeV1) {
	const invertSource, invertDestination = 1, 2 // XT_ADDRTYPE_INVERT_SOURCE, _DEST
	for _, ask := range []struct {
		words  string
		types  uint16
		invert bool
	}{
		{"fib saddr type", info.Source, info.Flags&invertSource != 0},
		{"fib daddr type", info.Dest, info.Flags&invertDestination != 0},
	} {
		if ask.types == 0 {
			continue
		}
		not := " "
		if ask.invert {
			not = " != "
		}
		w.say(ask.words + not + flags(uint32(ask.types), []flag{{2, "unicast"}, {4, "local"}, {8, "broadcast"}, {16, "anycast"}, {32, "multicast"}, {64, "blackhole"}, {128, "unreachable"}, {256, "prohibit"}}))
	}
}

func (w *writer) portRange(words string, ports [2]uint16, not bool) {
	if ports == [2]uint16{0, 65535} && !not {
		return
	}
	w.takeBack(&w.protocolPhrase)
	if not {
		words += " !="
	}
	if ports[0] == ports[1] {
		w.say(fmt.Sprintf("%s %d", words, ports[0]))
	} else {
		w.say(fmt.Sprintf("%s %d-%d", words, ports[0], ports[1]))
	}
}

func (w *writer) target(e *expr.Target) {
	switch {
	case e.Name == "MASQUERADE":
		w.say("masquerade")
	case e.Name == "REJECT":
		w.say(w.xtReject(e))
	case e.Name == "LOG":
		w.say("log")
	case e.Name == "RETURN":
		w.say("return")
	default:
		w.say(natTarget(e))
	}
}

func natTarget(e *expr.Target) string {
	verb := map[string]string{"DNAT": "dnat to ", "SNAT": "snat to ", "REDIRECT": "redirect to "}[e.Name]
	switch info := e.Info.(type) {
	case *xt.NatRange2:
		return verb + natTo(address(info.MinIP), info.Flags, info.MinPort)
	case *xt.NatRange:
		return verb + natTo(address(info.MinIP), info.Flags, info.MinPort)
	case *xt.NatIPv4MultiRangeCompat:
		if len(*info) == 1 {
			return verb + natTo(address((*info)[0].MinIP), (*info)[0].Flags, (*info)[0].MinPort)
		}
	}
	return fmt.Sprintf("xt target %q", e.Name)
}

func natTo(to netip.Addr, what uint, port uint16) string {
	var text string
	if xt.NatRangeFlags(what)&xt.NatRangeMapIPs != 0 {
		text = to.String()
		if to.Is6() {
			text = "[" + text + "]"
		}
	}
	if xt.NatRangeFlags(what)&xt.NatRangeProtoSpecified != 0 {
		text += fmt.Sprintf(":%d", port)
	}
	return text
}

// xtReject: the first number is enum ipt_reject_with.
func (w *writer) xtReject(e *expr.Target) string {
	info, known := e.Info.(*xt.Unknown)
	if !known || len(*info) < 4 || w.family != nftables.TableFamilyIPv4 {
		return "reject"
	}
	codes := []string{"net-unreachable", "host-unreachable", "prot-unreachable", "", "echo-reply", "net-prohibited", "host-prohibited", "tcp reset", "admin-prohibited"}
	switch with := native(*info); {
	case with == 7:
		return "reject with tcp reset"
	case int(with) < len(codes) && codes[with] != "":
		return "reject with icmp " + codes[with]
	}
	return "reject"
}

func rejectText(kind uint32, code uint8) string {
	icmp := map[uint8]string{0: "net-unreachable", 1: "host-unreachable", 2: "prot-unreachable", 9: "net-prohibited", 10: "host-prohibited", 13: "admin-prohibited"}
	icmpx := map[uint8]string{0: "no-route", 2: "host-unreachable", 3: "admin-prohibited"}
	switch {
	case kind == unix.NFT_REJECT_TCP_RST:
		return "reject with tcp reset"
	case kind == unix.NFT_REJECT_ICMPX_UNREACH && icmpx[code] != "":
		return "reject with icmpx " + icmpx[code]
	case kind == unix.NFT_REJECT_ICMP_UNREACH && icmp[code] != "":
		return "reject with icmp " + icmp[code]
	}
	return "reject"
}

func logPrefix(e *expr.Log) string {
	if len(e.Data) == 0 {
		return ""
	}
	return fmt.Sprintf("prefix %q", strings.TrimRight(string(e.Data), "\x00"))
}

func limitText(e *expr.Limit) string {
	units := map[expr.LimitTime]string{expr.LimitTimeSecond: "second", expr.LimitTimeMinute: "minute", expr.LimitTimeHour: "hour", expr.LimitTimeDay: "day", expr.LimitTimeWeek: "week"}
	over, amount := "", ""
	if e.Over {
		over = "over "
	}
	if e.Type == expr.LimitTypePktBytes {
		amount = " bytes"
	}
	text := fmt.Sprintf("limit rate %s%d%s/%s", over, e.Rate, amount, units[e.Unit])
	if e.Type == expr.LimitTypePkts && e.Burst != 5 { // nft's default
		text += fmt.Sprintf(" burst %d packets", e.Burst)
	}
	return text
}
