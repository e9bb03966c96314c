package network

import (
	"errors"
	"net"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Who has CAP_NET_RAW can write a packet byte by byte, and say that it is the
// gateway, or a neighbour: the others believe it, and send him what was meant
// for those (ARP spoofing). Containers don't have the capability unless they
// ask for it. For those that do, the bridge looks at each packet that comes out
// of their cable, in a table of the family bridge:
//
//	table bridge cooper0 {
//		set guarded { type ifname; elements = { "veth4f1c0a21b3d" } }
//		set owned { type ifname . ether_addr . ipv4_addr; elements = { "veth4f1c0a21b3d" . 02:00:0a:76:00:02 . 10.118.0.2 } }
//		set owned6 { type ifname . ipv6_addr }
//		chain prerouting {
//			type filter hook prerouting priority -300; policy accept;
//			iifname @guarded jump guard
//		}
//		chain guard {
//			meta protocol ip iifname . ether saddr . ip saddr @owned accept
//			meta protocol arp iifname . arp saddr ether . arp saddr ip @owned accept
//			meta protocol ip6 icmpv6 type nd-router-advert drop
//			meta protocol ip6 icmpv6 type nd-neighbor-advert icmpv6 taddr & ffc0:: != fe80:: iifname . icmpv6 taddr != @owned6 drop
//			meta protocol ip6 iifname . ip6 saddr @owned6 accept
//			meta protocol ip6 ip6 saddr & ffc0:: == fe80:: accept
//			meta protocol ip6 ip6 saddr :: accept
//			drop
//		}
//	}
//
// One with CAP_NET_ADMIN as well may give itself other addresses, and run a
// network of its own: it is trusted with this one, too.
func (s *Spec) guarded() bool {
	return slices.Contains(s.Capabilities, "CAP_NET_RAW") && !slices.Contains(s.Capabilities, "CAP_NET_ADMIN")
}

func addGuard(conn *nftables.Conn, name string) error {
	table := conn.CreateTable(&nftables.Table{Name: name, Family: nftables.TableFamilyBridge})
	for _, set := range guardSets(table) {
		if err := conn.AddSet(set, nil); err != nil {
			return err
		}
	}
	guard := conn.AddChain(&nftables.Chain{Name: "guard", Table: table})
	prerouting := hook(conn, table, nftables.ChainTypeFilter, "prerouting", nftables.ChainHookPrerouting, nftables.ChainPriorityRef(-300))
	for _, rule := range []struct {
		chain *nftables.Chain
		words words
	}{
		{prerouting, sentence(iifname(part0), in("guarded"), jump("guard"))},
		{guard, sentence(protocol(unix.ETH_P_IP), iifname(part0), loadEtherSaddr(part4), loadSaddr(part6), in("owned"), accept())},
		{guard, sentence(protocol(unix.ETH_P_ARP), iifname(part0), loadARPHardware(part4), loadARPAddress(part6), in("owned"), accept())},
		{guard, sentence(protocol(unix.ETH_P_IPV6), icmp6(routerAdvert), drop())},
		{guard, sentence(protocol(unix.ETH_P_IPV6), icmp6(neighbourAdvert), loadTarget(part0), linkLocal(expr.CmpOpNeq), iifname(part0), loadTarget(part4), notIn("owned6"), drop())},
		{guard, sentence(protocol(unix.ETH_P_IPV6), iifname(part0), loadSaddr6(part4), in("owned6"), accept())},
		{guard, sentence(protocol(unix.ETH_P_IPV6), loadSaddr6(part0), linkLocal(expr.CmpOpEq), accept())},
		{guard, sentence(protocol(unix.ETH_P_IPV6), loadSaddr6(part0), is(net.IPv6unspecified), accept())},
		{guard, drop()},
	} {
		conn.AddRule(&nftables.Rule{Table: table, Chain: rule.chain, Exprs: rule.words})
	}
	return nil
}

func guardSets(table *nftables.Table) []*nftables.Set {
	concat := func(name string, key ...nftables.SetDatatype) *nftables.Set {
		return &nftables.Set{Table: table, Name: name, Concatenation: true, KeyType: nftables.MustConcatSetType(key...)}
	}
	return []*nftables.Set{
		nameSet(table, "guarded"),
		concat("owned", nftables.TypeIFName, nftables.TypeEtherAddr, nftables.TypeIPAddr),
		concat("owned6", nftables.TypeIFName, nftables.TypeIP6Addr),
	}
}

// guardElements are a container's places in the sets, for one of its cables.
func guardElements(veth string, e *Endpoint) map[string][]nftables.SetElement {
	link := linkName(veth)
	elements := map[string][]nftables.SetElement{
		"guarded": {{Key: link}},
		// Each part of a key is padded to a multiple of 4 bytes: 6 of a hardware address to 8.
		"owned": {{Key: slices.Concat(link, e.Hardware(), []byte{0, 0}, e.Address.Addr().AsSlice())}},
	}
	if e.Address6.IsValid() {
		elements["owned6"] = []nftables.SetElement{{Key: slices.Concat(link, e.Address6.Addr().AsSlice())}}
	}
	return elements
}

// guard has the bridges look at what comes out of the container's cables.
func (c *cabling) guard() error {
	networks := c.spec.Network.Networks
	table := &nftables.Table{Name: networks.Table, Family: nftables.TableFamilyBridge}
	add := func(conn *nftables.Conn) error {
		for i, e := range c.endpoints() {
			if c.networks[i].Driver != Bridge {
				continue
			}
			elements := guardElements(vethName(c.spec.ID, e.Link), e)
			for _, set := range guardSets(table) {
				if err := conn.SetAddElements(set, elements[set.Name]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return networks.changeTable(func(conn *nftables.Conn) error {
		err := errors.Join(add(conn), conn.Flush())
		if errors.Is(err, unix.ENOENT) {
			err = errors.Join(addGuard(conn, networks.Table), add(conn), conn.Flush())
		}
		return err
	})
}

// unguard takes the container's cables out of the sets; with the last one goes
// the table. What a lost lease leaves in a set guards a link that nobody has.
func (c *cabling) unguard() error {
	networks := c.spec.Network.Networks
	table := &nftables.Table{Name: networks.Table, Family: nftables.TableFamilyBridge}
	var veths [][]byte
	err := c.held(false, func(_ record, l lease) error {
		veths = append(veths, linkName(vethName(c.spec.ID, l.link)))
		return nil
	})
	if err != nil || len(veths) == 0 {
		return err
	}
	return networks.changeTable(func(conn *nftables.Conn) error {
		if there, err := hasTable(conn, networks.Table, nftables.TableFamilyBridge); !there {
			return err
		}
		left := 0
		for _, set := range guardSets(table) {
			elements, err := conn.GetSetElements(set)
			if err != nil {
				return err
			}
			all := len(elements)
			ours := slices.DeleteFunc(elements, func(element nftables.SetElement) bool {
				return !slices.ContainsFunc(veths, func(veth []byte) bool { return slices.Equal(element.Key[:len(veth)], veth) })
			})
			if set.Name == "guarded" {
				left = all - len(ours)
			}
			if len(ours) == 0 {
				continue
			}
			if err := conn.SetDeleteElements(set, ours); err != nil {
				return err
			}
		}
		if left == 0 {
			conn.DelTable(table)
		}
		return conn.Flush()
	})
}
