package trace

import (
	"fmt"

	"github.com/google/nftables"
)

// catalogue is what a namespace's tables hold. A trace message names a rule by
// its number, which `nft -a list ruleset` calls its handle.
type catalogue struct {
	conn   *nftables.Conn
	chains map[chainName]*nftables.Chain
	rules  map[chainName][]*nftables.Rule
}

type chainName struct {
	family       nftables.TableFamily
	table, chain string
}

// readCatalogue lists the chains. Rules are read when one is asked for, a chain
// at a time: a host may have tens of thousands.
func readCatalogue(conn *nftables.Conn, except string) (*catalogue, error) {
	c := &catalogue{conn, map[chainName]*nftables.Chain{}, map[chainName][]*nftables.Rule{}}
	chains, err := conn.ListChains()
	if err != nil {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	for _, chain := range chains {
		if chain.Table.Name != except {
			c.chains[chainName{chain.Table.Family, chain.Table.Name, chain.Name}] = chain
		}
	}
	return c, nil
}

// rule finds a rule by its handle; nil if it is gone.
func (c *catalogue) rule(name chainName, handle uint64) *nftables.Rule {
	rules, read := c.rules[name]
	if !read {
		table := &nftables.Table{Family: name.family, Name: name.table}
		rules, _ = c.conn.GetRules(table, &nftables.Chain{Table: table, Name: name.chain}) // it may be gone with its table
		c.rules[name] = rules
	}
	for _, rule := range rules {
		if rule.Handle == handle {
			return rule
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
