package firewall

import (
	"errors"
	"fmt"

	nft "github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

// iptables, for a dozen years now, is two programs of one name. iptables-nft
// keeps its rules in nf_tables: table ip filter is its -t filter, and ip6
// filter is ip6tables'. It reads from there what it prints, so rules that are
// put there as it would itself are to it rules like any others.
//
// What follows is for that one; iptables-legacy is in legacy.go.
const (
	filterTable  = "filter"
	forwardChain = "FORWARD"
)

// bothFamilies are iptables and ip6tables.
var bothFamilies = []byte{unix.NFPROTO_IPV4, unix.NFPROTO_IPV6}

// forward reads iptables' FORWARD; found is false if there is none.
func (n nftables) forward(family byte) (c chain, found bool, err error) {
	base, err := n.chain(family, filterTable, forwardChain)
	if errors.Is(err, unix.ENOENT) {
		return chain{}, false, nil
	}
	if err != nil {
		return chain{}, false, err
	}
	return n.read(base)
}

// read reads a base chain, and others of its table as they are asked for.
func (n nftables) read(base baseChain) (c chain, found bool, err error) {
	c = chain{
		drops: base.drops,
		jump:  func(name string) ([]rule, error) { return n.rules(base.family, base.table, name) },
	}
	c.rules, err = c.jump(base.name)
	return c, err == nil, err
}

// changeIptables does in FORWARD what the plan says, in one transaction. It is
// called again if somebody else has changed the rules meanwhile.
func (n nftables) changeIptables(family byte, p pattern, todo plan) error {
	for try := 0; ; try++ {
		c, found, err := n.forward(family)
		if err != nil || !found {
			return err
		}
		what, err := todo(c)
		if err != nil || what.empty() {
			return err
		}
		err = what.commit(family, p)
		if err == nil || try == 10 || !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EAGAIN) {
			return err
		}
	}
}

// commit hands the change to the kernel, which does all of it or nothing.
func (c change) commit(family byte, p pattern) error {
	conn, err := nft.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	table := &nft.Table{Name: filterTable, Family: nft.TableFamily(family)}
	forward := &nft.Chain{Name: forwardChain, Table: table}
	for _, o := range c.add {
		r := &nft.Rule{Table: table, Chain: forward, Exprs: o.expressions(p)}
		if c.before == nil {
			conn.AddRule(r)
		} else {
			r.Position = c.before.place
			conn.InsertRule(r)
		}
	}
	for _, old := range c.remove {
		if err := conn.DelRule(&nft.Rule{Table: table, Chain: forward, Handle: old.place}); err != nil {
			return err
		}
	}
	if err := conn.Flush(); err != nil {
		return fmt.Errorf("change iptables' FORWARD: %w", err)
	}
	return nil
}

// expressions writes an opening as iptables-nft does.
func (o opening) expressions(p pattern) []expr.Any {
	key := expr.MetaKeyOIFNAME
	if o.in {
		key = expr.MetaKeyIIFNAME
	}
	verdict := &expr.Verdict{Kind: expr.VerdictAccept}
	if o.chain != "" {
		verdict = &expr.Verdict{Kind: expr.VerdictJump, Chain: o.chain}
	}
	comment := xt.Comment(p.name())
	return []expr.Any{
		&expr.Meta{Key: key, Register: unix.NFT_REG_1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: unix.NFT_REG_1, Data: []byte(p.compared())},
		&expr.Match{Name: "comment", Info: &comment},
		&expr.Counter{},
		verdict,
	}
}
