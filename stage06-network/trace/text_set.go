package trace

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// lookup writes a search in a set, a map or a verdict map. One without a name
// of its own is written out.
func (w *writer) lookup(e *expr.Lookup) {
	parts := w.key(e.SourceRegister)
	var words []string
	for _, part := range parts {
		words = append(words, part.text)
	}
	left := strings.Join(words, " . ")
	set := "@" + e.SetName
	if strings.HasPrefix(e.SetName, "__") {
		set = w.elements(e.SetName, parts)
	}
	switch {
	case e.IsDestRegSet && e.DestRegister == unix.NFT_REG_VERDICT:
		w.say(left + " vmap " + set)
	case e.IsDestRegSet:
		w.registers[slot(e.DestRegister)] = operand{text: left + " map " + set, isMap: true}
	case e.Invert:
		w.say(left + " != " + set)
	default:
		w.say(left + " " + set)
	}
	if !e.Invert && len(parts) == 1 && parts[0].kind == protocols {
		w.protocol, w.protocolPhrase = 0, "" // one of several
	}
}

// key collects what lies side by side from a register on: a concatenation.
func (w *writer) key(register uint32) (parts []operand) {
	at := slot(register)
	for {
		part, loaded := w.registers[at]
		if !loaded {
			return parts
		}
		delete(w.registers, at)
		parts = append(parts, part)
		at += part.slots()
	}
}

// few is how many elements are written out.
const few = 12

func (w *writer) elements(name string, parts []operand) string {
	set, elements := w.all.elements(&nftables.Table{Family: w.family, Name: w.table}, name)
	if set == nil {
		return "@" + name
	}
	var texts []string
	if set.Interval && !set.Concatenation {
		texts = intervals(elements, parts)
	} else {
		slices.SortFunc(elements, func(a, b nftables.SetElement) int { return compareKeys(a.Key, b.Key, parts) })
		for _, element := range elements {
			texts = append(texts, keyText(element.Key, parts)+valueText(element))
		}
	}
	if len(texts) > few {
		texts = append(texts[:few], "…")
	}
	return "{ " + strings.Join(texts, ", ") + " }"
}

// keyText cuts a key into the parts of a concatenation, each padded to 4 bytes.
func keyText(key []byte, parts []operand) string {
	var texts []string
	for _, part := range parts {
		if len(key) == 0 {
			break
		}
		size := min(part.size, len(key))
		texts = append(texts, part.value(key[:size]))
		key = key[min(int(part.slots())*4, len(key)):]
	}
	return strings.Join(texts, " . ")
}

// compareKeys orders as nft does, by the number that a key is.
func compareKeys(a, b []byte, parts []operand) int {
	if len(parts) == 1 && (parts[0].kind == ctStates || parts[0].kind == nativeNumbers || parts[0].kind == marks) {
		return int(native(a)) - int(native(b))
	}
	return bytes.Compare(a, b)
}

// valueText writes what a map has for a key; a verdict map's values are
// attributes, NFTA_VERDICT_CODE and _CHAIN.
func valueText(element nftables.SetElement) string {
	if element.VerdictData != nil {
		return " : " + verdictText(element.VerdictData.Kind, element.VerdictData.Chain)
	}
	if attributes, err := netlink.NewAttributeDecoder(element.Val); err == nil && len(element.Val) > 4 {
		attributes.ByteOrder = binary.BigEndian
		verdict := event{verdict: expr.VerdictStop} // which no rule can have
		if verdict.parseVerdict(attributes) == nil && attributes.Err() == nil && verdict.verdict != expr.VerdictStop {
			return " : " + verdictText(verdict.verdict, verdict.jump)
		}
	}
	if len(element.Val) > 0 {
		return fmt.Sprintf(" : 0x%x", element.Val)
	}
	return ""
}

// intervals joins the two ends of each: the kernel keeps a list of beginnings
// and of first values after an end.
func intervals(elements []nftables.SetElement, parts []operand) (texts []string) {
	slices.SortFunc(elements, func(a, b nftables.SetElement) int { return slices.Compare(a.Key, b.Key) })
	for i, element := range elements {
		if element.IntervalEnd {
			continue
		}
		text := keyText(element.Key, parts)
		if i+1 < len(elements) && elements[i+1].IntervalEnd {
			text = span(element.Key, before(elements[i+1].Key), parts)
		}
		texts = append(texts, text+valueText(element))
	}
	return texts
}

// span writes a network as such, and any other range by its ends.
func span(first, last []byte, parts []operand) string {
	if bytes.Equal(first, last) {
		return keyText(first, parts)
	}
	if len(parts) == 1 && (parts[0].kind == addresses4 || parts[0].kind == addresses6) {
		if mask, is := networkMask(first, last); is {
			masked := parts[0]
			masked.mask = mask
			return masked.value(first)
		}
	}
	return keyText(first, parts) + "-" + keyText(last, parts)
}

// networkMask tells whether a range is all of a network.
func networkMask(first, last []byte) (mask []byte, is bool) {
	ones, ended := 0, false
	for i := range first {
		for bit := 7; bit >= 0; bit-- {
			a, b := first[i]>>bit&1, last[i]>>bit&1
			switch {
			case a == b && !ended:
				ones++
			case a != 0 || b != 1:
				return nil, false
			default:
				ended = true
			}
		}
	}
	return net.CIDRMask(ones, len(first)*8), true
}

// before is the number before, of one in network order.
func before(number []byte) []byte {
	less := slices.Clone(number)
	for i := len(less) - 1; i >= 0; i-- {
		less[i]--
		if less[i] != 0xff {
			break
		}
	}
	return less
}
