package firewall

import (
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// parseRule reads a rule of nf_tables. A rule is a list of expressions; what
// iptables has a module of its own for stands among them as a "match" or a
// "target" with the module's name:
//
//	-i cooper+                        meta: iifname → register; cmp: register = "cooper"
//	-m comment --comment cooper       match: comment, 256 bytes
//	                                  counter
//	-j ACCEPT                         immediate: accept → verdict
//	-j REJECT                         target: REJECT
func parseRule(message []byte) (rule, error) {
	var r rule
	var loaded uint32 // what the last meta loaded
	err := attributes(message, func(of *netlink.AttributeDecoder) {
		switch of.Type() {
		case unix.NFTA_RULE_HANDLE:
			r.place = of.Uint64()
		case unix.NFTA_RULE_EXPRESSIONS:
			nested(of, func(of *netlink.AttributeDecoder) {
				e := parseExpression(of)
				e.tell(&r, loaded)
				loaded = e.loads
			})
		}
	})
	return r, err
}

// An expression is one instruction of a rule; it has what its kind has.
type expression struct {
	kind    string // "meta", "cmp", "immediate", "match", "target", …
	loads   uint32 // meta: which of the packet's properties
	differs bool   // cmp: anything but equality
	value   string // cmp: with what
	module  string // match, target: its name
	info    []byte // match, target: its data
	verdict *int32 // immediate: nil if it loads a number
	chain   string // immediate: where it jumps to
}

func parseExpression(of *netlink.AttributeDecoder) (e expression) {
	nested(of, func(of *netlink.AttributeDecoder) {
		switch of.Type() {
		case unix.NFTA_EXPR_NAME:
			e.kind = of.String()
		case unix.NFTA_EXPR_DATA:
			switch e.kind {
			case "meta", "cmp", "match", "target":
				nested(of, e.parse)
			case "immediate":
				nested(of, e.parseVerdict)
			}
		}
	})
	return e
}

func (e *expression) parse(of *netlink.AttributeDecoder) {
	switch {
	case e.kind == "meta" && of.Type() == unix.NFTA_META_KEY:
		e.loads = of.Uint32()
	case e.kind == "cmp" && of.Type() == unix.NFTA_CMP_OP:
		e.differs = of.Uint32() != unix.NFT_CMP_EQ
	case e.kind == "cmp" && of.Type() == unix.NFTA_CMP_DATA:
		nested(of, func(of *netlink.AttributeDecoder) { e.value = string(of.Bytes()) })
	case e.kind == "match" && of.Type() == unix.NFTA_MATCH_NAME, e.kind == "target" && of.Type() == unix.NFTA_TARGET_NAME:
		e.module = of.String()
	case e.kind == "match" && of.Type() == unix.NFTA_MATCH_INFO:
		e.info = of.Bytes()
	}
}

func (e *expression) parseVerdict(of *netlink.AttributeDecoder) {
	if of.Type() != unix.NFTA_IMMEDIATE_DATA {
		return
	}
	nested(of, func(of *netlink.AttributeDecoder) {
		if of.Type() != unix.NFTA_DATA_VERDICT {
			return
		}
		nested(of, func(of *netlink.AttributeDecoder) {
			switch of.Type() {
			case unix.NFTA_VERDICT_CODE:
				code := int32(of.Uint32())
				e.verdict = &code
			case unix.NFTA_VERDICT_CHAIN:
				e.chain = of.String()
			}
		})
	})
}

// tell adds to the rule what the expression says, after one that loaded a
// property of the packet. What isn't known here may be a condition, and may
// decide.
func (e expression) tell(r *rule, loaded uint32) {
	switch e.kind {
	case "counter", "last":
	case "log":
		r.act = logs
	case "reject":
		r.act = drops
	case "target":
		r.act = actOfTarget(e.module)
	case "match":
		if e.module == "comment" {
			r.comment = unix.ByteSliceToString(e.info)
		} else {
			r.more = true
		}
	case "immediate":
		if e.verdict != nil {
			r.act, r.chain = actOf(*e.verdict), e.chain
		}
	case "meta":
	case "cmp":
		switch {
		case loaded == unix.NFT_META_IIFNAME && !e.differs:
			r.in = linkName(e.value)
		case loaded == unix.NFT_META_OIFNAME && !e.differs:
			r.out = linkName(e.value)
		default:
			r.more = true
		}
	default:
		r.more, r.act = true, decides
	}
}

// linkName is a name as nft writes it. With its terminating zero a name is
// compared whole, without one up to there.
func linkName(compared string) string {
	if name, _, whole := strings.Cut(compared, "\x00"); whole {
		return name
	}
	return compared + "*"
}

// Verdicts, beside those of nf_tables; linux/netfilter.h.
const (
	nfDrop   = 0
	nfAccept = 1
)

func actOf(verdict int32) act {
	switch verdict {
	case nfDrop:
		return drops
	case nfAccept:
		return accepts
	case unix.NFT_JUMP, unix.NFT_GOTO:
		return jumps
	case unix.NFT_CONTINUE:
		return nothing
	}
	return decides
}

// actOfTarget is what the modules of iptables do that are named after -j.
func actOfTarget(module string) act {
	switch module {
	case "LOG", "NFLOG":
		return logs
	case "REJECT":
		return drops
	}
	return decides
}
