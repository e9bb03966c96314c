package network

import (
	"encoding/binary"
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
// several parts is loaded side by side.
const (
	reg   = unix.NFT_REG_1    // the first one, whole
	part0 = unix.NFT_REG32_00 // its first 4 bytes, and so on
	part1 = unix.NFT_REG32_01
	part2 = unix.NFT_REG32_02
)

func iifname(name string) words { return linkName(expr.MetaKeyIIFNAME, expr.CmpOpEq, name) }
func oifname(name string) words { return linkName(expr.MetaKeyOIFNAME, expr.CmpOpEq, name) }

func oifnameIsNot(name string) words { return linkName(expr.MetaKeyOIFNAME, expr.CmpOpNeq, name) }

func linkName(key expr.MetaKey, op expr.CmpOp, name string) words {
	padded := make([]byte, unix.IFNAMSIZ)
	copy(padded, name)
	return words{
		&expr.Meta{Key: key, Register: reg},
		&expr.Cmp{Op: op, Register: reg, Data: padded},
	}
}

// ipSaddr is `ip saddr 10.118.0.0/16`, ipDaddrIsNot `ip daddr != 127.0.0.0/8`.
// The addresses stand 12 and 16 bytes into the IPv4 header.
func ipSaddr(network []byte, mask []byte) words {
	return address(12, expr.CmpOpEq, network, mask)
}

func ipDaddrIsNot(network []byte, mask []byte) words {
	return address(16, expr.CmpOpNeq, network, mask)
}

func address(offset uint32, op expr.CmpOp, network, mask []byte) words {
	return words{
		&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 4, DestRegister: reg},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: mask, Xor: make([]byte, 4)},
		&expr.Cmp{Op: op, Register: reg, Data: network},
	}
}

// daddrIsLocal is `fib daddr type local`: the packet is for one of the host's
// own addresses, whichever those are by now.
func daddrIsLocal() words {
	return words{
		&expr.Fib{Register: reg, FlagDADDR: true, ResultADDRTYPE: true},
		&expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: binaryutil.NativeEndian.PutUint32(unix.RTN_LOCAL)},
	}
}

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

// Where to load the parts of a map's key from.

func loadDaddr(to uint32) words {
	return words{&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4, DestRegister: to}}
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
func dnatTo(portMap string) words {
	return words{
		&expr.Lookup{SourceRegister: reg, DestRegister: reg, IsDestRegSet: true, SetName: portMap},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: part0, RegProtoMin: part1, Specified: true},
	}
}

func accept() words           { return words{&expr.Verdict{Kind: expr.VerdictAccept}} }
func drop() words             { return words{&expr.Verdict{Kind: expr.VerdictDrop}} }
func jump(chain string) words { return words{&expr.Verdict{Kind: expr.VerdictJump, Chain: chain}} }
func masquerade() words       { return words{&expr.Masq{}} }
