package trace

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// flow is the connection that is traced, as the container sees it.
type flow packet

// first are the words of a rule that matches the flow's packets by their own
// headers: those on their way out, or, reversed, answers that nobody has
// translated.
//
//	ip saddr 10.118.0.2 ip daddr 192.0.2.7 meta l4proto tcp th sport 41234 th dport 80
func (f flow) first(reversed bool) []expr.Any {
	source, destination := f.source, f.destination
	if reversed {
		source, destination = destination, source
	}
	etherType, saddr, daddr := uint16(unix.ETH_P_IP), uint32(12), uint32(16)
	if source.Addr().Is6() {
		etherType, saddr, daddr = unix.ETH_P_IPV6, 8, 24
	}
	words := []expr.Any{&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: reg}, is(number(etherType))}
	words = append(words, network(saddr, source.Addr())...)
	words = append(words, network(daddr, destination.Addr())...)
	words = append(words, &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg}, is([]byte{f.protocol}))
	switch f.protocol {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP:
		words = append(words, transport(0, number(source.Port()))...)
		words = append(words, transport(2, number(destination.Port()))...)
	default: // the identifier of an echo request, and of its reply
		words = append(words, transport(4, number(f.source.Port()))...)
	}
	return words
}

// complaint are the words that match an ICMP error about one of the flow's
// packets: it quotes that one's IP header, without options, and its ports.
func (f flow) complaint() []expr.Any {
	protocol, header, saddr, daddr := byte(unix.IPPROTO_ICMP), uint32(20), uint32(12), uint32(16)
	if f.source.Addr().Is6() {
		protocol, header, saddr, daddr = unix.IPPROTO_ICMPV6, 40, 8, 24
	}
	const quoted = 8 // bytes of ICMP before it
	words := []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg}, is([]byte{protocol})}
	words = append(words, transport(quoted+saddr, f.source.Addr().AsSlice())...)
	words = append(words, transport(quoted+daddr, f.destination.Addr().AsSlice())...)
	at := quoted + header
	if f.destination.Port() == 0 {
		at += 4 // the identifier
	}
	return append(words, transport(at, number(f.source.Port()))...)
}

// answer are the words that match what comes back, whatever became of the
// addresses on the way: connection tracking knows. An ICMP error about one of
// the flow's packets is part of the connection, too.
//
//	ct direction reply ct protocol tcp ct original ip saddr … ct original proto-dst 80
func (f flow) answer() []expr.Any {
	words := []expr.Any{
		&expr.Ct{Key: expr.CtKeyDIRECTION, Register: reg}, is([]byte{1}),
		&expr.Ct{Key: expr.CtKeyPROTOCOL, Register: reg}, is([]byte{f.protocol}),
		&expr.Ct{Key: expr.CtKeySRC, Register: reg}, is(union(f.source.Addr())),
		&expr.Ct{Key: expr.CtKeyDST, Register: reg}, is(union(f.destination.Addr())),
		&expr.Ct{Key: expr.CtKeyPROTOSRC, Register: reg}, is(number(f.source.Port())),
	}
	if f.destination.Port() != 0 {
		words = append(words, &expr.Ct{Key: expr.CtKeyPROTODST, Register: reg}, is(number(f.destination.Port())))
	}
	return words
}

// out tells whether a packet is on its way out, by the end that is the
// container's; back, whether it is on its way back.
func (f flow) out(p packet) bool {
	return p.source == f.source && p.protocol == f.protocol
}

func (f flow) back(p packet) bool {
	switch {
	case p.destination.Addr() != f.source.Addr():
		return false
	case p.protocol != f.protocol: // an ICMP error
		return true
	}
	return p.destination == f.source || p.protocol != unix.IPPROTO_TCP && p.protocol != unix.IPPROTO_UDP
}

const reg = unix.NFT_REG_1

func is(data []byte) expr.Any { return &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: data} }

func network(offset uint32, address netip.Addr) []expr.Any {
	bytes := address.AsSlice()
	return []expr.Any{
		&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: uint32(len(bytes)), DestRegister: reg},
		is(bytes),
	}
}

func transport(offset uint32, data []byte) []expr.Any {
	return []expr.Any{
		&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: uint32(len(data)), DestRegister: reg},
		is(data),
	}
}

func number(n uint16) []byte { return binary.BigEndian.AppendUint16(nil, n) }

// union is an address as connection tracking keeps it in a table of family
// inet: 16 bytes, of which IPv4 uses the first 4 (union nf_inet_addr).
func union(address netip.Addr) []byte {
	all := make([]byte, 16)
	copy(all, address.AsSlice())
	return all
}
