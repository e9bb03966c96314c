package trace

import (
	"fmt"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// operand is what a register holds: the words for something of the packet, or
// bytes that the rule brought along.
type operand struct {
	text  string
	kind  kind
	size  int // bytes
	mask  []byte
	data  []byte // of an immediate
	isMap bool
}

// bits: the word is a set of flags, and the mask picks some of them.
func (o operand) bits() bool {
	return o.mask != nil && (o.kind == ctStates || o.kind == ctStatuses || o.kind == tcpFlags)
}

// slots is how many quarters of a register it takes.
func (o operand) slots() uint32 { return uint32(max(o.size+3, 4) / 4) }

func (w *writer) load(instruction any) {
	switch e := instruction.(type) {
	case *expr.Immediate:
		w.registers[slot(e.Register)] = operand{data: e.Data, size: len(e.Data)}
	case *expr.Bitwise:
		masked := w.registers[slot(e.SourceRegister)]
		masked.mask = e.Mask
		w.registers[slot(e.DestRegister)] = masked
	case *expr.Meta:
		name := metas[e.Key]
		w.loadOrSet(e.SourceRegister, e.Register, operand{text: name.word(fmt.Sprintf("meta %d", e.Key)), kind: name.kind, size: name.size})
	case *expr.Ct:
		name := cts[e.Key]
		words := name.word(fmt.Sprintf("ct %d", e.Key))
		if strings.Contains(words, "%s") {
			words = fmt.Sprintf(words, [...]string{"original", "reply"}[e.Direction&1])
		}
		w.loadOrSet(e.SourceRegister, e.Register, operand{text: words, kind: name.kind, size: name.size})
	case *expr.Payload:
		field := w.field(e)
		if e.OperationType == expr.PayloadWrite {
			w.loadOrSet(true, e.SourceRegister, field)
		} else {
			w.registers[slot(e.DestRegister)] = field
		}
	case *expr.Fib:
		w.registers[slot(e.Register)] = fibOperand(e)
	}
}

func (w *writer) loadOrSet(set bool, register uint32, what operand) {
	if !set {
		w.registers[slot(register)] = what
		return
	}
	from := w.registers[slot(register)]
	if from.data != nil {
		w.say(what.text + " set " + what.value(from.data))
	} else {
		w.say(what.text + " set " + from.text)
	}
}

func fibOperand(e *expr.Fib) operand {
	var by []string
	for _, flag := range []struct {
		is   bool
		name string
	}{{e.FlagSADDR, "saddr"}, {e.FlagDADDR, "daddr"}, {e.FlagMARK, "mark"}, {e.FlagIIF, "iif"}, {e.FlagOIF, "oif"}} {
		if flag.is {
			by = append(by, flag.name)
		}
	}
	words := "fib " + strings.Join(by, " . ")
	switch {
	case e.ResultADDRTYPE:
		return operand{text: words + " type", kind: addressTypes, size: 4}
	case e.ResultOIFNAME:
		return operand{text: words + " oifname", kind: linkNames, size: 16}
	}
	return operand{text: words + " oif", kind: foundLinks, size: 4}
}

// field names the bytes of a header. Where nobody has said yet which protocol
// it is, ports are those of any transport (th).
func (w *writer) field(e *expr.Payload) operand {
	o := operand{size: int(e.Len)}
	switch e.Base {
	case expr.PayloadBaseLLHeader:
		o.text, o.kind = map[uint32]string{0: "ether daddr", 6: "ether saddr", 12: "ether type"}[e.Offset], hardwareAddresses
		if e.Offset == 12 {
			o.kind = etherTypes
		}
		w.takeBack(&w.linkPhrase)
	case expr.PayloadBaseNetworkHeader:
		o.text, o.kind = w.networkField(e)
		if o.text != "" && w.family != nftables.TableFamilyIPv4 && w.family != nftables.TableFamilyIPv6 {
			w.takeBack(&w.versionPhrase)
		}
	case expr.PayloadBaseTransportHeader:
		o.text, o.kind = w.transportField(e.Offset)
		if o.text != "" && w.protocol != 0 {
			w.takeBack(&w.protocolPhrase)
			if w.protocol == unix.IPPROTO_ICMP || w.protocol == unix.IPPROTO_ICMPV6 {
				w.takeBack(&w.versionPhrase) // each is of one version
			}
		}
	}
	if o.text == "" {
		base := map[expr.PayloadBase]string{expr.PayloadBaseLLHeader: "ll", expr.PayloadBaseNetworkHeader: "nh", expr.PayloadBaseTransportHeader: "th"}[e.Base]
		o.text, o.kind = fmt.Sprintf("@%s,%d,%d", base, e.Offset*8, e.Len*8), hexadecimal
	}
	return o
}

func (w *writer) networkField(e *expr.Payload) (string, kind) {
	version := w.version
	switch {
	case w.family == nftables.TableFamilyIPv4:
		version = 4
	case w.family == nftables.TableFamilyIPv6:
		version = 6
	}
	if version == 6 {
		switch e.Offset {
		case 6:
			return "ip6 nexthdr", protocols
		case 7:
			return "ip6 hoplimit", bigNumbers
		case 8:
			return "ip6 saddr", addresses6
		case 24:
			return "ip6 daddr", addresses6
		}
		return "", hexadecimal
	}
	switch e.Offset {
	case 8:
		return "ip ttl", bigNumbers
	case 9:
		return "ip protocol", protocols
	case 12:
		return "ip saddr", addresses4
	case 16:
		return "ip daddr", addresses4
	}
	return "", hexadecimal
}

func (w *writer) transportField(offset uint32) (string, kind) {
	protocol := "th"
	switch w.protocol {
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		protocol = map[uint8]string{unix.IPPROTO_ICMP: "icmp", unix.IPPROTO_ICMPV6: "icmpv6"}[w.protocol]
		switch offset {
		case 0:
			return protocol + " type", icmpTypes
		case 1:
			return protocol + " code", bigNumbers
		case 4:
			return protocol + " id", bigNumbers
		}
		return "", hexadecimal
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_SCTP:
		protocol = protocolName(w.protocol)
	}
	switch {
	case offset == 0:
		return protocol + " sport", bigNumbers
	case offset == 2:
		return protocol + " dport", bigNumbers
	case offset == 13 && w.protocol == unix.IPPROTO_TCP:
		return "tcp flags", tcpFlags
	}
	return "", hexadecimal
}
