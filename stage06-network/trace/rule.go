package trace

import (
	"encoding/binary"
	"fmt"

	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// rule is one of a chain's, as its instructions.
type rule struct {
	handle       uint64
	instructions []any // expr.Any, or unknown
	comment      string
}

// unknown is the name of an instruction that can't be read.
type unknown string

// readRules lists a chain's rules. One instruction that nobody can read is no
// reason not to show the others.
func readRules(socket *netlink.Conn, name chainName) ([]rule, error) {
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_RULE_TABLE, Data: append([]byte(name.table), 0)},
		{Type: unix.NFTA_RULE_CHAIN, Data: append([]byte(name.chain), 0)},
	})
	if err != nil {
		return nil, fmt.Errorf("read the rules of %s: %w", name, err)
	}
	messages, err := socket.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETRULE, Flags: netlink.Request | netlink.Dump},
		Data:   append([]byte{byte(name.family), unix.NFNETLINK_V0, 0, 0}, attributes...),
	})
	if err != nil {
		return nil, fmt.Errorf("read the rules of %s: %w", name, err)
	}
	var rules []rule
	for _, message := range messages {
		if len(message.Data) < 4 {
			continue
		}
		rule, err := parseRule(message.Data)
		if err != nil {
			return nil, fmt.Errorf("read the rules of %s: %w", name, err)
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseRule(payload []byte) (r rule, err error) {
	attributes, err := netlink.NewAttributeDecoder(payload[4:])
	if err != nil {
		return rule{}, err
	}
	attributes.ByteOrder = binary.BigEndian
	for attributes.Next() {
		switch attributes.Type() {
		case unix.NFTA_RULE_HANDLE:
			r.handle = attributes.Uint64()
		case unix.NFTA_RULE_USERDATA:
			r.comment = comment(attributes.Bytes())
		case unix.NFTA_RULE_EXPRESSIONS:
			attributes.Nested(func(list *netlink.AttributeDecoder) error {
				for list.Next() {
					list.Nested(func(one *netlink.AttributeDecoder) error {
						r.instructions = append(r.instructions, parseInstruction(payload[0], one))
						return nil
					})
				}
				return nil
			})
		}
	}
	return r, attributes.Err()
}

// comment reads what nft keeps with a rule, each with a type and a length in
// front. Type 0 is the comment, a text that ends with a zero byte.
func comment(data []byte) string {
	for len(data) >= 2 {
		kind, size := data[0], int(data[1])
		if data = data[2:]; size > len(data) {
			return ""
		}
		if kind == 0 {
			return cString(data[:size])
		}
		data = data[size:]
	}
	return ""
}

func parseInstruction(family byte, attributes *netlink.AttributeDecoder) any {
	var name string
	var data []byte
	for attributes.Next() {
		switch attributes.Type() {
		case unix.NFTA_EXPR_NAME:
			name = attributes.String()
		case unix.NFTA_EXPR_DATA:
			data = attributes.Bytes()
		}
	}
	if name == "ct" {
		return parseCt(data)
	}
	instruction := newInstruction(name)
	if instruction == nil || data != nil && expr.Unmarshal(family, data, instruction) != nil {
		return unknown(name)
	}
	if immediate, is := instruction.(*expr.Immediate); is && immediate.Register == unix.NFT_REG_VERDICT {
		verdict := &expr.Verdict{} // what is loaded into the verdict's register is one
		if expr.Unmarshal(family, data, verdict) != nil {
			return unknown(name)
		}
		return verdict
	}
	return instruction
}

// parseCt reads a ct expression, whose direction is one byte. The library takes
// it for four, and leaves out where a value to set comes from.
func parseCt(data []byte) any {
	attributes, err := netlink.NewAttributeDecoder(data)
	if err != nil {
		return unknown("ct")
	}
	attributes.ByteOrder = binary.BigEndian
	ct := &expr.Ct{}
	for attributes.Next() {
		switch attributes.Type() {
		case unix.NFTA_CT_KEY:
			ct.Key = expr.CtKey(attributes.Uint32())
		case unix.NFTA_CT_DREG:
			ct.Register = attributes.Uint32()
		case unix.NFTA_CT_SREG:
			ct.Register, ct.SourceRegister = attributes.Uint32(), true
		case unix.NFTA_CT_DIRECTION:
			ct.Direction = uint32(attributes.Uint8())
		}
	}
	if attributes.Err() != nil {
		return unknown("ct")
	}
	return ct
}

// newInstruction makes an empty one by the kernel's name for it.
func newInstruction(name string) expr.Any {
	switch name {
	case "bitwise":
		return &expr.Bitwise{}
	case "cmp":
		return &expr.Cmp{}
	case "counter":
		return &expr.Counter{}
	case "dynset":
		return &expr.Dynset{}
	case "fib":
		return &expr.Fib{}
	case "immediate":
		return &expr.Immediate{}
	case "limit":
		return &expr.Limit{}
	case "log":
		return &expr.Log{}
	case "lookup":
		return &expr.Lookup{}
	case "masq":
		return &expr.Masq{}
	case "match":
		return &expr.Match{}
	case "meta":
		return &expr.Meta{}
	case "nat":
		return &expr.NAT{}
	case "notrack":
		return &expr.Notrack{}
	case "payload":
		return &expr.Payload{}
	case "queue":
		return &expr.Queue{}
	case "range":
		return &expr.Range{}
	case "redir":
		return &expr.Redir{}
	case "reject":
		return &expr.Reject{}
	case "target":
		return &expr.Target{}
	}
	return nil
}
