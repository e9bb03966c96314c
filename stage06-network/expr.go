package network

import (
	"encoding/binary"
	"net"
	"slices"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A rule is a list of instructions for a small machine in the kernel: load
// something of the packet into a register, compare, look up, act. It goes on to
// the next rule where a comparison fails. These are the words that our rules
// are made of, named as nft(8) writes them; `nft --debug=netlink list ruleset`
// shows the same instructions.
type words []expr.Any

func sentence(parts ...words) words { return slices.Concat(parts...) }

// A register is 16 bytes wide and is also seen as four of 4 bytes, so a key of
// several parts is loaded side by side. A name of a link takes four of them, an
// address of IPv6 too.
const (
	reg   = unix.NFT_REG_1    // the first one, whole
	part0 = unix.NFT_REG32_00 // its first 4 bytes, and so on
	part1 = unix.NFT_REG32_01
	part2 = unix.NFT_REG32_02
	part4 = unix.NFT_REG32_04 // the first 4 bytes of the second one
	part5 = unix.NFT_REG32_05
	part6 = unix.NFT_REG32_06
)

// iifname and oifname load the name of the link that the packet came by, or
// will leave by.
func iifname(to uint32) words { return words{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: to}} }
func oifname(to uint32) words { return words{&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: to}} }

// linkName is a link's name as the kernel compares it.
func linkName(name string) []byte {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return padded
}

// in is `@set` of what was loaded, notIn `!= @set`.
func in(set string) words { return words{&expr.Lookup{SourceRegister: reg, SetName: set}} }
func notIn(set string) words {
	return words{&expr.Lookup{SourceRegister: reg, SetName: set, Invert: true}}
}

// ipv4 and ipv6 are what nft adds by itself in front of `ip …` and `ip6 …`: a
// table of the family inet sees both.
func ipv4() words { return family(unix.NFPROTO_IPV4) }
func ipv6() words { return family(unix.NFPROTO_IPV6) }

func family(number byte) words {
	return words{
		&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{number}},
	}
}

// loopbackDaddr is `ip daddr 127.0.0.0/8`, loopbackDaddr6 `ip6 daddr ::1`.
func loopbackDaddr() words {
	return append(loadDaddr(part0),
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: []byte{255, 0, 0, 0}, Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{127, 0, 0, 0}})
}

func loopbackDaddr6() words {
	return append(loadDaddr6(part0), is(net.IPv6loopback)...)
}

// daddrIsLocal is `fib daddr type local`: the packet is for one of the host's
// own addresses, whichever those are by now.
func daddrIsLocal() words {
	return words{
		&expr.Fib{Register: reg, FlagDADDR: true, ResultADDRTYPE: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
	}
}

// What the bridge looks at: the frame's protocol and sender, and what ARP and
// neighbour discovery (RFC 826, RFC 4861) say of who has which address.

func protocol(number uint16) words {
	return words{
		&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: reg},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: binary.BigEndian.AppendUint16(nil, number)},
	}
}

func loadEtherSaddr(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseLLHeader, Offset: 6, Len: 6, DestRegister: to}}
}

func loadARPHardware(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 8, Len: 6, DestRegister: to}}
}

func loadARPAddress(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 14, Len: 4, DestRegister: to}}
}

const (
	routerAdvert    = 134
	neighbourAdvert = 136
)

func icmp6(kind byte) words {
	return words{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{unix.IPPROTO_ICMPV6}},
		&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1, DestRegister: reg},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: []byte{kind}},
	}
}

// loadTarget loads the address that a neighbour advertisement is about.
func loadTarget(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 8, Len: 16, DestRegister: to}}
}

// linkLocal compares what was loaded with fe80::/10.
func linkLocal(op expr.CmpOp) words {
	mask, prefix := make([]byte, 16), make([]byte, 16)
	copy(mask, []byte{0xff, 0xc0})
	copy(prefix, []byte{0xfe, 0x80})
	return words{
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 16, Mask: mask, Xor: make([]byte, 16)},
		&expr.Cmp{Op: op, Register: reg, Data: prefix},
	}
}

func is(data []byte) words { return words{&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: data}} }

// Bits of the kernel's connection tracking, linux/netfilter/nf_conntrack_common.h.
const (
	stateEstablished = 1 << 1
	stateRelated     = 1 << 2
	statusDNAT       = 1 << 5
)

func ctState(bits uint32) words  { return connection(expr.CtKeySTATE, bits) }
func ctStatus(bits uint32) words { return connection(expr.CtKeySTATUS, bits) }

// connection matches where one of the bits is set.
func connection(key expr.CtKey, bits uint32) words {
	return words{
		&expr.Ct{Key: key, Register: reg},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: binary.NativeEndian.AppendUint32(nil, bits), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: make([]byte, 4)},
	}
}

// Where to load the parts of a map's key from. The sender stands 12 bytes into
// the header of IPv4 and the destination behind it, 8 bytes into that of IPv6.

func loadSaddr(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4, DestRegister: to}}
}

func loadSaddr6(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 8, Len: 16, DestRegister: to}}
}

func loadDaddr(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4, DestRegister: to}}
}

func loadDaddr6(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 24, Len: 16, DestRegister: to}}
}

func loadProtocol(to uint32) words {
	return words{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: to}}
}

// loadDport: TCP and UDP both have it 2 bytes into their header.
func loadDport(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2, DestRegister: to}}
}

// dnatTo looks the key up in a map of addresses and ports and makes what it
// finds the packet's, and its connection's, new destination.
func dnatTo(portMap string) words { return dnat(portMap, unix.NFPROTO_IPV4, part1) }

func dnat6To(portMap string) words { return dnat(portMap, unix.NFPROTO_IPV6, part4) }

func dnat(portMap string, family, port uint32) words {
	return words{
		&expr.Lookup{SourceRegister: reg, DestRegister: reg, IsDestRegSet: true, SetName: portMap},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: family, RegAddrMin: part0, RegProtoMin: port, Specified: true},
	}
}

func accept() words           { return words{&expr.Verdict{Kind: expr.VerdictAccept}} }
func drop() words             { return words{&expr.Verdict{Kind: expr.VerdictDrop}} }
func returns() words          { return words{&expr.Verdict{Kind: expr.VerdictReturn}} }
func jump(chain string) words { return words{&expr.Verdict{Kind: expr.VerdictJump, Chain: chain}} }
func masquerade() words       { return words{&expr.Masq{}} }
