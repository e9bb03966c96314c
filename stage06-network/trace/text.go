package trace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// text writes a rule as `nft -s list ruleset` does.
//
// In the kernel a rule is a list of instructions for a small machine: load
// something of the packet into a register, mask, compare. To write it is to run
// it with words in the registers: `meta load iifname => reg 1` puts the word
// there, and `cmp eq reg 1 "eth0"` makes it a phrase, iifname "eth0".
func text(r *rule, chain chainName, all *catalogue) string {
	w := &writer{chainName: chain, all: all, registers: map[uint32]operand{}, comment: r.comment}
	for _, instruction := range r.instructions {
		w.write(instruction)
	}
	if w.comment != "" {
		w.say(fmt.Sprintf("comment %q", w.comment))
	}
	return strings.Join(w.phrases, " ")
}

type writer struct {
	chainName
	all       *catalogue
	registers map[uint32]operand // by slots of 4 bytes
	phrases   []string
	comment   string

	// What is known of the packet from the phrases before. Those that only
	// prepare another, such as `meta l4proto tcp` for `tcp dport 80`, are
	// taken back when that comes, as nft does.
	protocol                                  uint8 // of the transport, 0 if unknown
	version                                   byte  // 4 or 6, 0 if unknown
	protocolPhrase, versionPhrase, linkPhrase string
	from                                      string // the phrase of a lower bound
}

func (w *writer) say(phrase string) { w.phrases = append(w.phrases, phrase) }

// takeBack removes a phrase that went without saying.
func (w *writer) takeBack(phrase *string) {
	if at := slices.Index(w.phrases, *phrase); *phrase != "" && at >= 0 {
		w.phrases = slices.Delete(w.phrases, at, at+1)
	}
	*phrase = ""
}

// slot numbers the registers' quarters: NFT_REG_1 to _4 have 16 bytes, and are
// NFT_REG32_00 to _15 at the same time.
func slot(register uint32) uint32 {
	if register >= unix.NFT_REG32_00 {
		return register - unix.NFT_REG32_00
	}
	return (register - unix.NFT_REG_1) * 4
}

func (w *writer) write(instruction any) {
	switch e := instruction.(type) {
	case *expr.Meta, *expr.Payload, *expr.Ct, *expr.Fib, *expr.Immediate, *expr.Bitwise:
		w.load(e)
	case *expr.Cmp:
		w.compare(w.registers[slot(e.Register)], e.Op, e.Data)
	case *expr.Range:
		left := w.registers[slot(e.Register)]
		w.say(left.text + operator(e.Op) + left.value(e.FromData) + "-" + left.value(e.ToData))
	case *expr.Lookup:
		w.lookup(e)
	case *expr.Verdict:
		w.say(verdictText(e.Kind, e.Chain))
	case *expr.Counter: // changes all the time
	case *expr.Match:
		w.match(e)
	case *expr.Target:
		w.target(e)
	default:
		w.act(e)
	}
}

// act writes the statements, which do something.
func (w *writer) act(instruction any) {
	switch e := instruction.(type) {
	case *expr.NAT:
		w.say(w.nat(e))
	case *expr.Masq:
		w.say("masquerade")
	case *expr.Redir:
		w.say(strings.TrimSpace("redirect " + w.toPort(e.RegisterProtoMin)))
	case *expr.Reject:
		w.say(rejectText(e.Type, e.Code))
	case *expr.Log:
		w.say(strings.TrimSpace("log " + logPrefix(e)))
	case *expr.Limit:
		w.say(limitText(e))
	case *expr.Notrack:
		w.say("notrack")
	case *expr.Queue:
		w.say("queue")
	case *expr.Dynset:
		w.say("update @" + e.SetName)
	case unknown:
		w.say("(" + string(e) + " …)")
	}
}

func operator(op expr.CmpOp) string {
	switch op {
	case expr.CmpOpNeq:
		return " != "
	case expr.CmpOpLt:
		return " < "
	case expr.CmpOpLte:
		return " <= "
	case expr.CmpOpGt:
		return " > "
	case expr.CmpOpGte:
		return " >= "
	}
	return " "
}

// compare writes a comparison, and remembers what it says about the packet.
func (w *writer) compare(left operand, op expr.CmpOp, data []byte) {
	phrase := left.text + operator(op) + left.value(data)
	if left.bits() { // (word & mask) != 0: one of the bits is set
		phrase = left.text + " " + left.value(left.mask)
		if op == expr.CmpOpEq {
			phrase = left.text + " ! " + left.value(left.mask)
		}
	}
	if op == expr.CmpOpLte && strings.HasPrefix(w.from, left.text+" >= ") && left.text != "" {
		phrase = strings.Replace(w.from, " >= ", " ", 1) + "-" + left.value(data)
		w.takeBack(&w.from)
	}
	w.say(phrase)
	if op == expr.CmpOpGte {
		w.from = phrase
	}
	if op != expr.CmpOpEq || len(data) == 0 {
		return
	}
	switch left.kind {
	case protocols:
		w.protocol, w.protocolPhrase = data[0], phrase
		if left.text != "meta l4proto" {
			w.protocolPhrase = "" // it was asked for by name
		}
	case nfprotos:
		w.version, w.versionPhrase = map[byte]byte{unix.NFPROTO_IPV4: 4, unix.NFPROTO_IPV6: 6}[data[0]], phrase
	case linkTypes:
		w.linkPhrase = phrase
	case etherTypes:
		w.version, w.versionPhrase = map[string]byte{"ip": 4, "ip6": 6}[left.value(data)], phrase
	}
}

func (w *writer) nat(e *expr.NAT) string {
	verb := "snat"
	if e.Type == expr.NATTypeDestNAT {
		verb = "dnat"
	}
	if w.family == nftables.TableFamilyINet {
		verb += map[uint32]string{unix.NFPROTO_IPV4: " ip", unix.NFPROTO_IPV6: " ip6"}[e.Family]
	}
	to := ""
	if e.RegAddrMin != 0 {
		from := w.registers[slot(e.RegAddrMin)]
		to = from.address()
		if e.RegAddrMax != 0 && e.RegAddrMax != e.RegAddrMin {
			to += "-" + w.registers[slot(e.RegAddrMax)].address()
		}
		if from.isMap { // the map gives the port, too
			return verb + " to " + to
		}
	}
	if e.RegProtoMin != 0 {
		if strings.Contains(to, ":") {
			to = "[" + to + "]"
		}
		to += ":" + w.registers[slot(e.RegProtoMin)].port()
	}
	return strings.TrimSpace(verb + " to " + to)
}

func (w *writer) toPort(register uint32) string {
	if register == 0 {
		return ""
	}
	return "to :" + w.registers[slot(register)].port()
}
