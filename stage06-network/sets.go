package network

import (
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
)

// linkSets are the sets that a network can be an element of.
func linkSets(table *nftables.Table) []*nftables.Set {
	var sets []*nftables.Set
	for _, name := range []string{"bridges", "closed", "proxied", "internal", "masqueraded"} {
		sets = append(sets, nameSet(table, name))
	}
	beside := func(name string, first nftables.SetDatatype) *nftables.Set {
		return &nftables.Set{Table: table, Name: name, Concatenation: true, Interval: first != nftables.TypeIFName,
			KeyType: nftables.MustConcatSetType(first, nftables.TypeIFName)}
	}
	return append(sets, beside("same", nftables.TypeIFName), beside("hairpin", nftables.TypeIPAddr), beside("hairpin6", nftables.TypeIP6Addr))
}

// nameSet is a set of links' names.
func nameSet(table *nftables.Table, name string) *nftables.Set {
	return &nftables.Set{Table: table, Name: name, KeyType: nftables.TypeIFName, KeyByteOrder: binaryutil.NativeEndian}
}

// element is the network's place in one of the sets; nil if it has none there.
func (d *Definition) element(set string) []nftables.SetElement {
	link := linkName(d.Link)
	switch {
	case set == "bridges",
		(set == "closed" || set == "proxied") && d.Options.refuses(optionReach),
		set == "internal" && d.Internal,
		set == "masqueraded" && !d.Internal && !d.Options.refuses(optionMasquerade):
		return []nftables.SetElement{{Key: link}}
	case set == "same":
		return []nftables.SetElement{{Key: append(slices.Clone(link), link...)}}
	case set == "hairpin":
		return []nftables.SetElement{senders(d.Subnets[0].Prefix, link)}
	case set == "hairpin6" && d.IPv6:
		return []nftables.SetElement{senders(d.Subnets[1].Prefix, link)}
	}
	return nil
}

// senders is an interval from the first address of a subnet to its last, each
// beside the same link.
func senders(subnet netip.Prefix, link []byte) nftables.SetElement {
	return nftables.SetElement{
		Key:    append(subnet.Addr().AsSlice(), link...),
		KeyEnd: append(last(subnet).AsSlice(), link...),
	}
}
