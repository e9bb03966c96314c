package firewall

import (
	"bytes"
	"slices"

	"golang.org/x/sys/unix"
)

// forward reads FORWARD and its policy from the table.
func (b *blob) forward() chain {
	from, policy := int(b.hooks[unix.NF_INET_FORWARD]), int(b.underflow[unix.NF_INET_FORWARD])
	return chain{
		rules: b.rules(from, policy),
		drops: b.verdict(policy+b.u16(policy+b.target)) == -nfDrop-1,
		jump:  func(name string) ([]rule, error) { return b.chainRules(name), nil },
	}
}

// rules reads the entries between two places.
func (b *blob) rules(from, to int) (list []rule) {
	for at := from; at < to; at += b.u16(at + b.next) {
		list = append(list, b.rule(at))
	}
	return list
}

// chainRules reads the rules of somebody's chain, up to its end.
func (b *blob) chainRules(name string) []rule {
	from := b.chainAt(name)
	if from == 0 {
		return nil
	}
	to := len(b.entries)
	b.each(func(entry, target int) {
		if entry >= from && entry < to && b.module(target) == "ERROR" {
			to = entry
		}
	})
	list := b.rules(from, to)
	if len(list) > 0 {
		list = list[:len(list)-1] // the return that every chain ends with
	}
	return list
}

// chainAt is where the rules of somebody's chain begin, behind its head; 0 if
// there is none.
func (b *blob) chainAt(name string) (first int) {
	b.each(func(entry, target int) {
		if b.module(target) == "ERROR" && b.head(target) == name {
			first = entry + b.u16(entry+b.next)
		}
	})
	return first
}

// head is the name of the chain that begins with this ERROR.
func (b *blob) head(target int) string {
	return unix.ByteSliceToString(b.entries[target+xtHeader : target+b.u16(target)])
}

func (b *blob) rule(at int) rule {
	header, target := slices.Clone(b.entries[at:at+b.asks]), at+b.u16(at+b.target)
	r := rule{place: uint64(at)}
	if header[b.inverted] == 0 {
		r.in, r.out = cutLink(header, b.in, b.inMask), cutLink(header, b.out, b.outMask)
	}
	r.more = bytes.Count(header, []byte{0}) < len(header)
	for match := at + b.size; match < target; match += b.u16(match) {
		if b.module(match) == "comment" {
			r.comment = unix.ByteSliceToString(b.entries[match+xtHeader : match+b.u16(match)])
		} else {
			r.more = true
		}
	}
	r.act, r.chain = b.act(at, target)
	return r
}

// act is what an entry's target does. The standard target has no name; its
// verdict is negative, or where to jump to.
func (b *blob) act(entry, target int) (act, string) {
	if module := b.module(target); module != "" {
		return actOfTarget(module), ""
	}
	verdict := int(b.verdict(target))
	switch {
	case verdict < 0:
		return actOf(int32(-verdict - 1)), ""
	case verdict == entry+b.u16(entry+b.next):
		return nothing, "" // a rule without -j: on to the next one
	}
	var chain string
	b.each(func(entry, target int) {
		if b.module(target) == "ERROR" && entry+b.u16(entry+b.next) == verdict {
			chain = b.head(target)
		}
	})
	return jumps, chain
}

// cutLink takes what an entry asks for as -i or -o out of its header, as nft
// writes it; the mask tells how much of the name is compared.
func cutLink(header []byte, name, mask int) string {
	n := 0
	for n < unix.IFNAMSIZ && header[mask+n] != 0 {
		n++
	}
	compared := string(header[name : name+n])
	clear(header[name : name+unix.IFNAMSIZ])
	clear(header[mask : mask+unix.IFNAMSIZ])
	if n == 0 {
		return ""
	}
	return linkName(compared)
}
