package network

import "github.com/google/nftables"

// All networks of an engine share one nftables table. No foreign table is ever
// touched. As `nft list table inet cooper0` prints it:
//
//	table inet cooper0 {
//		set bridges { type ifname; elements = { "cooper0", "cooper-5b1c0a2e" } }
//		set same { type ifname . ifname; elements = { "cooper0" . "cooper0", … } }
//		set closed { type ifname }          # whose containers don't reach each other
//		set proxied { type ifname }         # the closed ones, where there is br_netfilter
//		set internal { type ifname }        # --internal
//		set masqueraded { type ifname; elements = { "cooper0", … } }
//		set hairpin { type ipv4_addr . ifname; flags interval; elements = { 10.118.0.0/16 . "cooper0", … } }
//		set hairpin6 { type ipv6_addr . ifname; flags interval }
//		map published {                     # -p 8080:80
//			type inet_proto . inet_service : ipv4_addr . inet_service
//			elements = { tcp . 8080 : 10.118.0.2 . 80 }
//		}
//		map published_on {                  # -p 192.0.2.7:8080:80
//			type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
//		}
//		map published6 { … }                # the same two for IPv6
//		map published6_on { … }
//
//		chain publish {
//			dnat ip to ip daddr . meta l4proto . th dport map @published_on
//			dnat ip to meta l4proto . th dport map @published
//			dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6_on
//			dnat ip6 to meta l4proto . th dport map @published6
//		}
//		chain prerouting {                  # from outside, and from containers
//			type nat hook prerouting priority dstnat; policy accept;
//			iifname @proxied return
//			fib daddr type local jump publish
//		}
//		chain output {                      # from the host to its own address
//			type nat hook output priority dstnat; policy accept;
//			ip daddr 127.0.0.0/8 return
//			ip6 daddr ::1 return
//			fib daddr type local jump publish
//		}
//		chain forward {
//			type filter hook forward priority filter; policy accept;
//			iifname . oifname @same iifname != @closed accept
//			iifname @internal drop
//			oifname @internal drop
//			oifname @bridges ct state established,related accept
//			oifname @bridges ct status dnat accept
//			oifname @bridges drop
//		}
//		chain postrouting {
//			type nat hook postrouting priority srcnat; policy accept;
//			ip saddr . oifname @hairpin ct status dnat masquerade
//			ip6 saddr . oifname @hairpin6 ct status dnat masquerade
//			oifname != @bridges iifname @masqueraded masquerade
//		}
//	}
//
// The rules are written once. A network is an element of some of the sets, and
// a published port one of a map. Both are found by a hash, so a packet's way is
// as long with a thousand of them as with one.
//
// 127.0.0.1 is left out: leading it here needs route_localnet, and with that
// the loopback services of the host are open to its neighbours. The Proxy
// serves it.
//
// The last rule of forward is what "not published" means, and what keeps
// networks apart: a neighbour of the host that sets a route to the containers
// gets no answer, and neither does a container of another network. The first
// masquerade is the hairpin: without it a container that calls another one by
// the host's address is answered directly, from an address it never called. It
// asks for the sender's address and not for the link that the packet came by:
// where bridged packets pass through the rules (br_netfilter), that one is
// forgotten by then.
//
// Where bridged packets pass through the rules, one that is led back to its own
// bridge isn't routed but bridged, from port to port, and a closed network has
// none of that. Its containers' calls come to the Proxy, as the host's do.
//
// An accept here ends this table's chain only; every other table's forward
// chain is asked as well, and one drop anywhere is final. So a host's own
// firewall has the last word on published ports in a forward chain of its own,
// for instance `meta l4proto tcp ct original proto-dst 8080 drop`.
func addTable(conn *nftables.Conn, name string) error {
	// Create, not add: if the table is there already, the kernel refuses the
	// whole transaction, and no rule is ever in it twice.
	table := conn.CreateTable(tableNamed(name))
	for _, set := range append(linkSets(table), portMaps(table)...) {
		if err := conn.AddSet(set, nil); err != nil {
			return err
		}
	}
	publish := conn.AddChain(&nftables.Chain{Name: "publish", Table: table})
	prerouting := hook(conn, table, nftables.ChainTypeNAT, "prerouting", nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest)
	output := hook(conn, table, nftables.ChainTypeNAT, "output", nftables.ChainHookOutput, nftables.ChainPriorityNATDest)
	forward := hook(conn, table, nftables.ChainTypeFilter, "forward", nftables.ChainHookForward, nftables.ChainPriorityFilter)
	postrouting := hook(conn, table, nftables.ChainTypeNAT, "postrouting", nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource)

	for _, rule := range []struct {
		chain *nftables.Chain
		words words
	}{
		{publish, sentence(ipv4(), loadDaddr(part0), loadProtocol(part1), loadDport(part2), dnatTo("published_on"))},
		{publish, sentence(ipv4(), loadProtocol(part0), loadDport(part1), dnatTo("published"))},
		{publish, sentence(ipv6(), loadDaddr6(part0), loadProtocol(part4), loadDport(part5), dnat6To("published6_on"))},
		{publish, sentence(ipv6(), loadProtocol(part0), loadDport(part1), dnat6To("published6"))},
		{prerouting, sentence(iifname(part0), in("proxied"), returns())},
		{prerouting, sentence(daddrIsLocal(), jump("publish"))},
		{output, sentence(ipv4(), loopbackDaddr(), returns())},
		{output, sentence(ipv6(), loopbackDaddr6(), returns())},
		{output, sentence(daddrIsLocal(), jump("publish"))},
		{forward, sentence(iifname(part0), oifname(part4), in("same"), iifname(part0), notIn("closed"), accept())},
		{forward, sentence(iifname(part0), in("internal"), drop())},
		{forward, sentence(oifname(part0), in("internal"), drop())},
		{forward, sentence(oifname(part0), in("bridges"), ctState(stateEstablished|stateRelated), accept())},
		{forward, sentence(oifname(part0), in("bridges"), ctStatus(statusDNAT), accept())},
		{forward, sentence(oifname(part0), in("bridges"), drop())},
		{postrouting, sentence(ipv4(), loadSaddr(part0), oifname(part1), in("hairpin"), ctStatus(statusDNAT), masquerade())},
		{postrouting, sentence(ipv6(), loadSaddr6(part0), oifname(part4), in("hairpin6"), ctStatus(statusDNAT), masquerade())},
		{postrouting, sentence(oifname(part0), notIn("bridges"), iifname(part0), in("masqueraded"), masquerade())},
	} {
		conn.AddRule(&nftables.Rule{Table: table, Chain: rule.chain, Exprs: rule.words})
	}
	return nil
}

func tableNamed(name string) *nftables.Table {
	return &nftables.Table{Name: name, Family: nftables.TableFamilyINet}
}

func hook(conn *nftables.Conn, table *nftables.Table, kind nftables.ChainType, name string, at *nftables.ChainHook, priority *nftables.ChainPriority) *nftables.Chain {
	return conn.AddChain(&nftables.Chain{Name: name, Table: table, Type: kind, Hooknum: at, Priority: priority})
}
