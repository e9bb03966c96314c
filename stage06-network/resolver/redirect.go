package resolver

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// redirect leads the container's queries to our sockets, by a table in its own
// network namespace, as `nft list table ip cooper` prints it there:
//
//	table ip cooper {
//		chain output {
//			type nat hook output priority -100; policy accept;
//			ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:41234
//			ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:35678
//		}
//	}
//
// No rule is needed for the answers: connection tracking remembers what it
// changed, and a client sees them come from port 53.
//
// The table goes with the namespace. One that a supervisor left behind when it
// was killed is replaced, in the same transaction.
func redirect(netns *os.File, udp, tcp uint16) error {
	conn, err := nftables.New(nftables.AsLasting(), nftables.WithNetNSFd(int(netns.Fd())))
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	// Closing waits until the kernel has freed what was replaced, while the
	// rules are in force already.
	defer func() { go conn.CloseLasting() }()

	table := &nftables.Table{Name: "cooper", Family: nftables.TableFamilyIPv4}
	conn.AddTable(table) // so that there is one to delete
	conn.DelTable(table)
	conn.AddTable(table)
	output := conn.AddChain(&nftables.Chain{
		Name: "output", Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: output, Exprs: lead(unix.IPPROTO_UDP, udp)})
	conn.AddRule(&nftables.Rule{Table: table, Chain: output, Exprs: lead(unix.IPPROTO_TCP, tcp)})
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("redirect port 53: %w", err)
	}
	return nil
}

// lead is the rule for one protocol. The destination address is 16 bytes into
// the IPv4 header, the port 2 into that of TCP and of UDP.
func lead(protocol byte, to uint16) []expr.Any {
	const address, port = unix.NFT_REG_1, unix.NFT_REG_2
	return []expr.Any{
		&expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4, DestRegister: address},
		&expr.Cmp{Op: expr.CmpOpEq, Register: address, Data: Address.AsSlice()},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: port},
		&expr.Cmp{Op: expr.CmpOpEq, Register: port, Data: []byte{protocol}},
		&expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2, DestRegister: port},
		&expr.Cmp{Op: expr.CmpOpEq, Register: port, Data: binary.BigEndian.AppendUint16(nil, 53)},
		&expr.Immediate{Register: address, Data: Address.AsSlice()},
		&expr.Immediate{Register: port, Data: binary.BigEndian.AppendUint16(nil, to)},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: address, RegProtoMin: port, Specified: true},
	}
}
