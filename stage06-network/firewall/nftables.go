package firewall

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

func name(kind uint16, text string) netlink.Attribute {
	return netlink.Attribute{Type: kind, Data: append([]byte(text), 0)}
}

// A baseChain is one that the kernel calls by itself, at a hook.
type baseChain struct {
	family      byte // unix.NFPROTO_IPV4, …
	table, name string
	hook        uint32 // unix.NF_INET_FORWARD, …; ^0 for a chain that is only jumped to
	drops       bool   // its policy
}

// chain returns a chain by name; unix.ENOENT if there is none.
func (n nftables) chain(family byte, table, chainName string) (baseChain, error) {
	answer, err := n.get(unix.NFT_MSG_GETCHAIN, family,
		name(unix.NFTA_CHAIN_TABLE, table), name(unix.NFTA_CHAIN_NAME, chainName))
	if err != nil {
		return baseChain{}, fmt.Errorf("find chain %s in table %s: %w", chainName, table, err)
	}
	return parseChain(answer)
}

// chains lists the base chains of all tables of all families.
func (n nftables) chains() (list []baseChain, err error) {
	answers, err := n.dump(unix.NFT_MSG_GETCHAIN, unix.NFPROTO_UNSPEC)
	if err != nil {
		return nil, fmt.Errorf("list chains: %w", err)
	}
	for _, answer := range answers {
		c, err := parseChain(answer)
		if err != nil {
			return nil, err
		}
		if c.hook != noHook {
			list = append(list, c)
		}
	}
	return list, nil
}

const noHook = ^uint32(0)

func parseChain(message []byte) (baseChain, error) {
	c := baseChain{hook: noHook}
	err := attributes(message, func(of *netlink.AttributeDecoder) {
		switch of.Type() {
		case unix.NFTA_CHAIN_TABLE:
			c.table = of.String()
		case unix.NFTA_CHAIN_NAME:
			c.name = of.String()
		case unix.NFTA_CHAIN_POLICY:
			c.drops = of.Uint32() == nfDrop
		case unix.NFTA_CHAIN_HOOK:
			nested(of, func(of *netlink.AttributeDecoder) {
				if of.Type() == unix.NFTA_HOOK_HOOKNUM {
					c.hook = of.Uint32()
				}
			})
		}
	})
	if err != nil {
		return c, fmt.Errorf("read chain: %w", err)
	}
	c.family = message[0]
	return c, nil
}

// rules lists the rules of a chain; a chain that isn't there has none.
func (n nftables) rules(family byte, table, chainName string) (list []rule, err error) {
	answers, err := n.dump(unix.NFT_MSG_GETRULE, family,
		name(unix.NFTA_RULE_TABLE, table), name(unix.NFTA_RULE_CHAIN, chainName))
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list rules of chain %s in table %s: %w", chainName, table, err)
	}
	for _, answer := range answers {
		r, err := parseRule(answer)
		if err != nil {
			return nil, fmt.Errorf("read rule of chain %s in table %s: %w", chainName, table, err)
		}
		list = append(list, r)
	}
	return list, nil
}

// attributes calls do for each attribute of a message. Numbers in them are
// big-endian.
func attributes(message []byte, do func(of *netlink.AttributeDecoder)) error {
	if len(message) < 4 {
		return errors.New("a message without a header")
	}
	of, err := netlink.NewAttributeDecoder(message[4:])
	if err != nil {
		return err
	}
	of.ByteOrder = binary.BigEndian
	for of.Next() {
		do(of)
	}
	return of.Err()
}

func nested(of *netlink.AttributeDecoder, do func(of *netlink.AttributeDecoder)) {
	of.Nested(func(of *netlink.AttributeDecoder) error {
		of.ByteOrder = binary.BigEndian
		for of.Next() {
			do(of)
		}
		return of.Err()
	})
}
