package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
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
	set, elements := w.all.elements(w.table, name)
	if set == nil {
		return "@" + name
	}
	var texts []string
	if set.Interval && !set.Concatenation {
		texts = intervals(elements, parts)
	} else {
		for _, element := range elements {
			texts = append(texts, keyText(element.Key, parts)+valueText(element))
		}
		slices.Sort(texts)
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

func valueText(element nftables.SetElement) string {
	switch {
	case element.VerdictData != nil:
		return " : " + verdictText(element.VerdictData.Kind, element.VerdictData.Chain)
	case len(element.Val) > 0:
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
			if last := before(elements[i+1].Key); !slices.Equal(last, element.Key) {
				text += "-" + keyText(last, parts)
			}
		}
		texts = append(texts, text+valueText(element))
	}
	return texts
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
