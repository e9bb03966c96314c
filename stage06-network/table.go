package network

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Every bridge has an nftables table of its own with the bridge's name. It
// comes and goes with the bridge, and no foreign table is ever touched. As
// `nft list table ip cooper0` prints it:
//
//	table ip cooper0 {
//		map published {            # -p 8080:80
//			type inet_proto . inet_service : ipv4_addr . inet_service
//			elements = { tcp . 8080 : 10.118.0.2 . 80 }
//		}
//		map published_on {         # -p 192.0.2.7:8080:80
//			type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
//		}
//		chain publish {
//			dnat ip to ip daddr . meta l4proto . th dport map @published_on
//			dnat ip to meta l4proto . th dport map @published
//		}
//		chain prerouting {         # from outside, and from containers
//			type nat hook prerouting priority dstnat; policy accept;
//			fib daddr type local jump publish
//		}
//		chain output {             # from the host to its own address
//			type nat hook output priority dstnat; policy accept;
//			ip daddr != 127.0.0.0/8 fib daddr type local jump publish
//		}
//		chain forward {
//			type filter hook forward priority filter; policy accept;
//			iifname "cooper0" accept
//			oifname "cooper0" ct state established,related accept
//			oifname "cooper0" ct status dnat accept
//			oifname "cooper0" drop
//		}
//		chain postrouting {
//			type nat hook postrouting priority srcnat; policy accept;
//			ip saddr 10.118.0.0/16 oifname != "cooper0" masquerade
//			ip saddr 10.118.0.0/16 oifname "cooper0" ct status dnat masquerade
//		}
//	}
//
// The rules are written once. A published port is one element of a map, found
// by its hash, so a packet's way is as long with a thousand ports as with one.
//
// 127.0.0.1 is left out: leading it here needs route_localnet, and with that
// the loopback services of the host are open to its neighbours. The Proxy
// serves it.
//
// The last rule of forward is what "not published" means: a neighbour of the
// host that sets a route to the containers' network gets no answer. The second
// masquerade is the hairpin: without it a container that calls another one by
// the host's address is answered directly, from an address it never called.
//
// An accept here ends this table's chain only; every other table's forward
// chain is asked as well, and one drop anywhere is final. So a host's own
// firewall has the last word on published ports in a forward chain of its own,
// for instance `meta l4proto tcp ct original proto-dst 8080 drop`.
func addTable(conn *nftables.Conn, name string, subnet netip.Prefix) error {
	// Create, not add: if the table is there already, the kernel refuses the
	// whole transaction, and no rule is ever in it twice.
	table := conn.CreateTable(&nftables.Table{Name: name, Family: nftables.TableFamilyIPv4})
	for _, portMap := range []*nftables.Set{published(table), publishedOn(table)} {
		if err := conn.AddSet(portMap, nil); err != nil {
			return err
		}
	}
	publish := conn.AddChain(&nftables.Chain{Name: "publish", Table: table})
	prerouting := hook(conn, table, nftables.ChainTypeNAT, "prerouting", nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest)
	output := hook(conn, table, nftables.ChainTypeNAT, "output", nftables.ChainHookOutput, nftables.ChainPriorityNATDest)
	forward := hook(conn, table, nftables.ChainTypeFilter, "forward", nftables.ChainHookForward, nftables.ChainPriorityFilter)
	postrouting := hook(conn, table, nftables.ChainTypeNAT, "postrouting", nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource)

	network := ipNet(subnet)
	for _, rule := range []struct {
		chain *nftables.Chain
		words words
	}{
		{publish, sentence(loadDaddr(part0), loadProtocol(part1), loadDport(part2), dnatTo("published_on"))},
		{publish, sentence(loadProtocol(part0), loadDport(part1), dnatTo("published"))},
		{prerouting, sentence(daddrIsLocal(), jump("publish"))},
		{output, sentence(ipDaddrIsNot([]byte{127, 0, 0, 0}, []byte{255, 0, 0, 0}), daddrIsLocal(), jump("publish"))},
		{forward, sentence(iifname(name), accept())},
		{forward, sentence(oifname(name), ctState(stateEstablished|stateRelated), accept())},
		{forward, sentence(oifname(name), ctStatus(statusDNAT), accept())},
		{forward, sentence(oifname(name), drop())},
		{postrouting, sentence(ipSaddr(network.IP, network.Mask), oifnameIsNot(name), masquerade())},
		{postrouting, sentence(ipSaddr(network.IP, network.Mask), oifname(name), ctStatus(statusDNAT), masquerade())},
	} {
		conn.AddRule(&nftables.Rule{Table: table, Chain: rule.chain, Exprs: rule.words})
	}
	return nil
}

func hook(conn *nftables.Conn, table *nftables.Table, kind nftables.ChainType, name string, at *nftables.ChainHook, priority *nftables.ChainPriority) *nftables.Chain {
	return conn.AddChain(&nftables.Chain{Name: name, Table: table, Type: kind, Hooknum: at, Priority: priority})
}

// transaction opens a socket to nftables for one change.
//
// Closing such a socket waits until the kernel has freed what was deleted,
// which is a grace period of RCU, some 15 ms. The change is in force before
// that, so finish lets it take its time.
func transaction() (conn *nftables.Conn, finish func(), err error) {
	conn, err = nftables.New(nftables.AsLasting())
	if err != nil {
		return nil, nil, fmt.Errorf("open nftables: %w", err)
	}
	return conn, func() { go conn.CloseLasting() }, nil
}

// ensureTable makes the table on first use, all of it in one transaction.
func ensureTable(name string, subnet netip.Prefix) error {
	conn, finish, err := transaction()
	if err != nil {
		return err
	}
	defer finish()
	if _, err := conn.ListTable(name); err == nil {
		return nil
	}
	if err := addTable(conn, name, subnet); err != nil {
		return fmt.Errorf("make table %s: %w", name, err)
	}
	if err := conn.Flush(); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("make table %s: %w", name, err)
	}
	return nil
}

// removeTable removes the table with all that is in it.
func removeTable(name string) error {
	conn, finish, err := transaction()
	if err != nil {
		return err
	}
	defer finish()
	conn.DelTable(&nftables.Table{Name: name, Family: nftables.TableFamilyIPv4})
	if err := conn.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove table %s: %w", name, err)
	}
	return nil
}
