package trace

import (
	"encoding/binary"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// event is one message NFT_MSG_TRACE: a rule that matched a packet, or the end
// of a chain. The attributes are those of enum nft_trace_attributes in
// linux/netfilter/nf_tables.h; net/netfilter/nf_tables_trace.c writes them.
type event struct {
	family       nftables.TableFamily // of the table
	id           uint32               // of the packet, as long as it is at this link
	table, chain string
	handle       uint64 // of the rule, where kind is NFT_TRACETYPE_RULE or _RETURN
	kind         uint32 // NFT_TRACETYPE_RULE, _RETURN, _POLICY
	verdict      expr.VerdictKind
	jump         string // the chain, where the verdict is to jump or go there
	iif, oif     int    // indexes of the links, 0 where there is none yet
	mark         uint32 // by which rules tell routing, and one another, about the packet
	packet       *packet
}

// A base chain's first message about a packet has the packet's headers, and the
// ones after that haven't. So headers tell where a visit begins.
func (e event) begins() bool { return e.packet != nil }

// dropped: the packet ends here.
func (e event) dropped() bool { return e.verdict == expr.VerdictDrop }

// queued: the packet was handed to a program, which may give it back. The
// queue's number is in the upper half; NF_QUEUE_NR in linux/netfilter.h.
func (e event) queued() bool { return e.verdict >= 0 && e.verdict&0xffff == expr.VerdictQueue }

// parseEvent reads a message's payload: 4 bytes of struct nfgenmsg, whose first
// is the family, and attributes, whose numbers are in network order.
func parseEvent(payload []byte) (e event, err error) {
	if len(payload) < 4 {
		return event{}, fmt.Errorf("read trace message: %d bytes", len(payload))
	}
	attributes, err := netlink.NewAttributeDecoder(payload[4:])
	if err != nil {
		return event{}, fmt.Errorf("read trace message: %w", err)
	}
	attributes.ByteOrder = binary.BigEndian
	e.family = nftables.TableFamily(payload[0])
	var network, transport []byte
	for attributes.Next() {
		switch attributes.Type() {
		case unix.NFTA_TRACE_ID:
			e.id = attributes.Uint32()
		case unix.NFTA_TRACE_TABLE:
			e.table = attributes.String()
		case unix.NFTA_TRACE_CHAIN:
			e.chain = attributes.String()
		case unix.NFTA_TRACE_RULE_HANDLE:
			e.handle = attributes.Uint64()
		case unix.NFTA_TRACE_TYPE:
			e.kind = attributes.Uint32()
		case unix.NFTA_TRACE_VERDICT:
			attributes.Nested(e.parseVerdict)
		case unix.NFTA_TRACE_POLICY:
			e.verdict = expr.VerdictKind(int32(attributes.Uint32()))
		case unix.NFTA_TRACE_IIF:
			e.iif = int(attributes.Uint32())
		case unix.NFTA_TRACE_OIF:
			e.oif = int(attributes.Uint32())
		case unix.NFTA_TRACE_MARK:
			e.mark = attributes.Uint32()
		case unix.NFTA_TRACE_NETWORK_HEADER:
			network = attributes.Bytes()
		case unix.NFTA_TRACE_TRANSPORT_HEADER:
			transport = attributes.Bytes()
		}
	}
	if p, ok := parsePacket(network, transport); ok {
		e.packet = &p
	}
	if err := attributes.Err(); err != nil {
		return event{}, fmt.Errorf("read trace message: %w", err)
	}
	return e, nil
}

func (e *event) parseVerdict(attributes *netlink.AttributeDecoder) error {
	for attributes.Next() {
		switch attributes.Type() {
		case unix.NFTA_VERDICT_CODE:
			e.verdict = expr.VerdictKind(int32(attributes.Uint32()))
		case unix.NFTA_VERDICT_CHAIN:
			e.jump = attributes.String()
		}
	}
	return nil
}
