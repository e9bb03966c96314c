package trace

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"strings"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// kind is how a value's bytes are to be read.
type kind int

const (
	hexadecimal kind = iota
	bigNumbers
	nativeNumbers
	marks
	linkNames
	linkIndexes
	addresses4
	addresses6
	hardwareAddresses
	protocols
	nfprotos
	etherTypes
	icmpTypes
	tcpFlags
	addressTypes
	ctStates
	ctStatuses
	ctDirections
	packetTypes
	linkTypes
	foundLinks
)

type name struct {
	words string
	kind  kind
	size  int
}

func (n name) word(otherwise string) string {
	if n.words == "" {
		return otherwise
	}
	return n.words
}

// metas and cts are the words of nft(8), "META EXPRESSIONS" and "CONNTRACK EXPRESSIONS".
var metas = map[expr.MetaKey]name{
	expr.MetaKeyLEN: {"meta length", nativeNumbers, 4}, expr.MetaKeyPROTOCOL: {"meta protocol", etherTypes, 2},
	expr.MetaKeyMARK: {"meta mark", marks, 4}, expr.MetaKeyIIF: {"iif", linkIndexes, 4}, expr.MetaKeyOIF: {"oif", linkIndexes, 4},
	expr.MetaKeyIIFNAME: {"iifname", linkNames, 16}, expr.MetaKeyOIFNAME: {"oifname", linkNames, 16},
	expr.MetaKeySKUID: {"meta skuid", nativeNumbers, 4}, expr.MetaKeySKGID: {"meta skgid", nativeNumbers, 4},
	expr.MetaKeyNFTRACE: {"meta nftrace", nativeNumbers, 1}, expr.MetaKeyNFPROTO: {"meta nfproto", nfprotos, 1},
	expr.MetaKeyL4PROTO: {"meta l4proto", protocols, 1}, expr.MetaKeyPKTTYPE: {"meta pkttype", packetTypes, 1}, expr.MetaKeyIIFTYPE: {"meta iiftype", linkTypes, 2},
	expr.MetaKeyBRIIIFNAME: {"meta ibrname", linkNames, 16}, expr.MetaKeyBRIOIFNAME: {"meta obrname", linkNames, 16},
}

var cts = map[expr.CtKey]name{
	expr.CtKeySTATE: {"ct state", ctStates, 4}, expr.CtKeySTATUS: {"ct status", ctStatuses, 4},
	expr.CtKeyMARK: {"ct mark", marks, 4}, expr.CtKeyDIRECTION: {"ct direction", ctDirections, 1},
	expr.CtKeyPROTOCOL: {"ct %s protocol", protocols, 1}, expr.CtKeyL3PROTOCOL: {"ct %s l3proto", nfprotos, 1},
	expr.CtKeySRC: {"ct %s saddr", addresses4, 4}, expr.CtKeyDST: {"ct %s daddr", addresses4, 4},
	expr.CtKey(unix.NFT_CT_SRC_IP): {"ct %s ip saddr", addresses4, 4}, expr.CtKey(unix.NFT_CT_DST_IP): {"ct %s ip daddr", addresses4, 4},
	expr.CtKey(unix.NFT_CT_SRC_IP6): {"ct %s ip6 saddr", addresses6, 16}, expr.CtKey(unix.NFT_CT_DST_IP6): {"ct %s ip6 daddr", addresses6, 16},
	expr.CtKeyPROTOSRC: {"ct %s proto-src", bigNumbers, 2}, expr.CtKeyPROTODST: {"ct %s proto-dst", bigNumbers, 2},
}

// value writes bytes as the operand's kind has them.
func (o operand) value(data []byte) string {
	if len(data) == 0 {
		return ""
	}
	switch o.kind {
	case bigNumbers:
		return fmt.Sprint(bigEndian(data))
	case nativeNumbers:
		return fmt.Sprint(native(data))
	case marks:
		return o.masked(fmt.Sprintf("0x%08x", native(data)))
	case linkNames:
		return linkName(data)
	case linkIndexes:
		if native(data) == 1 {
			return `"lo"`
		}
		return fmt.Sprint(native(data))
	case addresses4:
		return o.network(data, 4)
	case addresses6:
		return o.network(data, 16)
	case hardwareAddresses:
		return net.HardwareAddr(data).String()
	case protocols:
		return protocolName(data[0])
	case nfprotos:
		return named(uint32(data[0]), map[uint32]string{unix.NFPROTO_IPV4: "ipv4", unix.NFPROTO_IPV6: "ipv6"})
	case etherTypes:
		return named(uint32(bigEndian(data)), map[uint32]string{unix.ETH_P_IP: "ip", unix.ETH_P_IPV6: "ip6", unix.ETH_P_ARP: "arp", unix.ETH_P_8021Q: "vlan"})
	case icmpTypes:
		return icmpType(o.text, data[0])
	case tcpFlags:
		return flags(uint32(data[0]), []flag{{1, "fin"}, {2, "syn"}, {4, "rst"}, {8, "psh"}, {16, "ack"}, {32, "urg"}})
	case addressTypes:
		return named(native(data), map[uint32]string{1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable", 8: "prohibit"})
	case ctStates:
		return flags(native(data), []flag{{1, "invalid"}, {8, "new"}, {2, "established"}, {4, "related"}, {64, "untracked"}})
	case ctStatuses:
		return flags(native(data), []flag{{1, "expected"}, {2, "seen-reply"}, {4, "assured"}, {8, "confirmed"}, {16, "snat"}, {32, "dnat"}, {512, "dying"}})
	case packetTypes:
		return named(uint32(data[0]), map[uint32]string{0: "host", 1: "broadcast", 2: "multicast", 3: "other"})
	case linkTypes:
		return named(native(data), map[uint32]string{unix.ARPHRD_ETHER: "ether"})
	case foundLinks:
		return named(native(data), map[uint32]string{0: "missing"})
	case ctDirections:
		return named(uint32(data[0]), map[uint32]string{0: "original", 1: "reply"})
	}
	return "0x" + hex.EncodeToString(data)
}

func (o operand) masked(value string) string {
	if o.mask == nil {
		return value
	}
	return fmt.Sprintf("& 0x%08x == %s", native(o.mask), value)
}

// network writes an address; with a mask, or fewer bytes than it has, a network.
func (o operand) network(data []byte, size int) string {
	if len(data) > size {
		data = data[:size]
	}
	whole := make([]byte, size)
	copy(whole, data)
	ip, _ := netip.AddrFromSlice(whole)
	length := len(data) * 8
	if o.mask != nil {
		length = 0
		for _, b := range o.mask {
			length += bits.OnesCount8(b)
		}
	}
	if length == size*8 {
		return ip.String()
	}
	return fmt.Sprintf("%s/%d", ip, length)
}

// address and port write the bytes that NAT is given.
func (o operand) address() string {
	if ip, ok := netip.AddrFromSlice(o.data); ok {
		return ip.String()
	}
	return o.text
}

func (o operand) port() string {
	if o.data != nil {
		return fmt.Sprint(bigEndian(o.data[:min(2, len(o.data))]))
	}
	return o.text
}

func linkName(data []byte) string {
	if name, _, ends := strings.Cut(string(data), "\x00"); ends || len(data) == unix.IFNAMSIZ {
		return fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("%q", string(data)+"*") // the name begins so
}

func bigEndian(data []byte) (number uint64) {
	for _, b := range data[:min(8, len(data))] {
		number = number<<8 | uint64(b)
	}
	return number
}

func native(data []byte) uint32 {
	if len(data) >= 4 {
		return binary.NativeEndian.Uint32(data)
	}
	if len(data) >= 2 {
		return uint32(binary.NativeEndian.Uint16(data))
	}
	if len(data) == 1 {
		return uint32(data[0])
	}
	return 0
}

func named(number uint32, names map[uint32]string) string {
	if name, known := names[number]; known {
		return name
	}
	return fmt.Sprint(number)
}

type flag struct {
	bit  uint32
	name string
}

func flags(set uint32, all []flag) string {
	var names []string
	for _, flag := range all {
		if set&flag.bit != 0 {
			names = append(names, flag.name)
			set &^= flag.bit
		}
	}
	if set != 0 || len(names) == 0 {
		names = append(names, fmt.Sprintf("0x%x", set))
	}
	return strings.Join(names, ",")
}

func protocolName(number uint8) string {
	return named(uint32(number), map[uint32]string{unix.IPPROTO_TCP: "tcp", unix.IPPROTO_UDP: "udp", unix.IPPROTO_ICMP: "icmp", unix.IPPROTO_ICMPV6: "ipv6-icmp", unix.IPPROTO_SCTP: "sctp", unix.IPPROTO_UDPLITE: "udplite", unix.IPPROTO_ESP: "esp", unix.IPPROTO_GRE: "gre"})
}

func icmpType(field string, number uint8) string {
	if strings.HasPrefix(field, "icmpv6") {
		return named(uint32(number), map[uint32]string{1: "destination-unreachable", 2: "packet-too-big", 3: "time-exceeded", 128: "echo-request", 129: "echo-reply", 133: "nd-router-solicit", 134: "nd-router-advert", 135: "nd-neighbor-solicit", 136: "nd-neighbor-advert"})
	}
	return named(uint32(number), map[uint32]string{0: "echo-reply", 3: "destination-unreachable", 5: "redirect", 8: "echo-request", 11: "time-exceeded"})
}
