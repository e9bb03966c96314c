package trace

import (
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// catalogue is what a namespace's tables hold. A trace message names a rule by
// its number, which `nft -a list ruleset` calls its handle.
type catalogue struct {
	conn   *nftables.Conn
	socket *netlink.Conn // conn's
	chains map[chainName]*nftables.Chain
	rules  map[chainName][]rule
}

type chainName struct {
	family       nftables.TableFamily
	table, chain string
}

// readCatalogue lists the chains. Rules are read when one is asked for, a chain
// at a time: a host may have tens of thousands.
func readCatalogue(conn *nftables.Conn, socket *netlink.Conn) (*catalogue, error) {
	c := &catalogue{conn, socket, map[chainName]*nftables.Chain{}, map[chainName][]rule{}}
	chains, err := conn.ListChains()
	if err != nil {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	for _, chain := range chains {
		c.chains[chainName{chain.Table.Family, chain.Table.Name, chain.Name}] = chain
	}
	return c, nil
}

// atIngress names the chains that get packets before the first hook does, as
// they come in by a link.
func (c *catalogue) atIngress() (names []string) {
	hook := map[nftables.TableFamily]nftables.ChainHook{
		nftables.TableFamilyNetdev: unix.NF_NETDEV_INGRESS,
		nftables.TableFamilyINet:   unix.NF_INET_NUMHOOKS, // NF_INET_INGRESS is one behind the others
	}
	for name, chain := range c.chains {
		if at, is := hook[name.family]; is && chain.Hooknum != nil && *chain.Hooknum == at {
			names = append(names, name.String())
		}
	}
	slices.Sort(names)
	return names
}

// list returns a chain's rules, in their order.
func (c *catalogue) list(name chainName) []rule {
	rules, read := c.rules[name]
	if !read {
		rules, _ = readRules(c.socket, name) // it may be gone with its table
		c.rules[name] = rules
	}
	return rules
}

// rule finds a rule by its handle; nil if it is gone.
func (c *catalogue) rule(name chainName, handle uint64) *rule {
	rules := c.list(name)
	for i := range rules {
		if rules[i].handle == handle {
			return &rules[i]
		}
	}
	return nil
}

// elements lists an anonymous set's or map's elements.
func (c *catalogue) elements(table *nftables.Table, name string) (*nftables.Set, []nftables.SetElement) {
	set, err := c.conn.GetSetByName(table, name)
	if err != nil {
		return nil, nil
	}
	elements, err := c.conn.GetSetElements(set)
	if err != nil {
		return nil, nil
	}
	return set, elements
}

// families as nft(8) writes them.
var families = map[nftables.TableFamily]string{
	nftables.TableFamilyINet:   "inet",
	nftables.TableFamilyIPv4:   "ip",
	nftables.TableFamilyIPv6:   "ip6",
	nftables.TableFamilyARP:    "arp",
	nftables.TableFamilyNetdev: "netdev",
	nftables.TableFamilyBridge: "bridge",
}

func (n chainName) String() string { return families[n.family] + " " + n.table + " " + n.chain }
