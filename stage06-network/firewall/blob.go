package firewall

import (
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// A blob is a table of ip_tables as the kernel hands it out: entry after entry,
// each a rule. Where a rule jumps to is told as an offset from the table's
// beginning.
//
//	hook entry →  entry   matches …   target     a rule of INPUT
//	underflow →   entry               target     INPUT's policy
//	hook entry →  …                              FORWARD's rules
//	underflow →   entry               target     FORWARD's policy
//	              …
//	              entry               ERROR "x"  the head of somebody's chain x
//	              …                              its rules
//	              entry               target     its end: return
//	              entry               ERROR "ERROR"
//
// One entry, struct ipt_entry or ip6t_entry (linux/netfilter_ipv4/ip_tables.h,
// linux/netfilter_ipv6/ip6_tables.h), and each of its matches and its target
// (struct xt_entry_match, xt_entry_target, linux/netfilter/x_tables.h):
//
//	addresses, names of links … | target offset u16 | next offset u16 | … | counters
//	size u16 | module name, 29 bytes | revision u8 | data
//
// What a match or a target's data means, its module alone knows. We never look,
// and move it as it is.
type blob struct {
	layout
	entries   []byte
	hooks     [unix.NF_INET_NUMHOOKS]uint32 // where each hook's chain begins
	underflow [unix.NF_INET_NUMHOOKS]uint32 // and where its policy is
	valid     uint32                        // which of the hooks there are, one bit each
	count     uint32                        // entries
}

// A layout tells where the fields of an entry are, in bytes.
type layout struct {
	in, out, inMask, outMask int // names of links, 16 bytes each
	inverted                 int // u8, whatever is asked with a "!"
	asks                     int // up to here: what is asked of a packet's header
	target                   int // u16, from the entry's beginning
	next                     int // u16
	counters                 int // two u64
	size                     int
}

var (
	ipv4Layout = layout{in: 16, out: 32, inMask: 48, outMask: 64, inverted: 83, asks: 84, target: 88, next: 90, counters: 96, size: 112}
	ipv6Layout = layout{in: 64, out: 80, inMask: 96, outMask: 112, inverted: 132, asks: 136, target: 140, next: 142, counters: 152, size: 168}
)

const (
	xtName     = 2  // in a match or a target
	xtHeader   = 32 // before its data
	standard   = xtHeader + 8
	commentLen = 256
)

func (b *blob) u16(at int) int { return int(binary.NativeEndian.Uint16(b.entries[at:])) }

// verdict is a standard target's: an offset to jump to, or less than 0.
func (b *blob) verdict(target int) int32 {
	return int32(binary.NativeEndian.Uint32(b.entries[target+xtHeader:]))
}

// module is the name in a match or a target.
func (b *blob) module(at int) string {
	return unix.ByteSliceToString(b.entries[at+xtName : at+xtName+29])
}

// each calls do with where every entry and its target begin.
func (b *blob) each(do func(entry, target int)) {
	for at := 0; at < len(b.entries); at += b.u16(at + b.next) {
		do(at, at+b.u16(at+b.target))
	}
}

// sound tells whether each entry lies within the table, and its matches and its
// target within the entry. The kernel's do; this is for a kernel with another
// layout than ours.
func (b *blob) sound() bool {
	at := 0
	for at+b.size <= len(b.entries) {
		target, next := b.u16(at+b.target), b.u16(at+b.next)
		if target < b.size || next < target+xtHeader+4 || at+next > len(b.entries) {
			return false
		}
		part := b.size
		for part < target && target-part >= xtHeader && b.u16(at+part) >= xtHeader {
			part += b.u16(at + part)
		}
		if part != target || target+b.u16(at+target) != next {
			return false
		}
		at += next
	}
	return at == len(b.entries)
}

// shift moves what points behind a place by n bytes; what points to the place
// itself goes on doing so, and finds what comes to stand there. The chain's
// policy is pushed on even so.
func (b *blob) shift(behind, n int) {
	for i := range b.hooks {
		if b.valid&(1<<i) == 0 {
			continue
		}
		if int(b.hooks[i]) > behind {
			b.hooks[i] += uint32(n)
		}
		if int(b.underflow[i]) > behind || n > 0 && int(b.underflow[i]) == behind {
			b.underflow[i] += uint32(n)
		}
	}
	b.each(func(_, target int) {
		if b.module(target) == "" && int(b.verdict(target)) > behind {
			binary.NativeEndian.PutUint32(b.entries[target+xtHeader:], uint32(int(b.verdict(target))+n))
		}
	})
}

// insert puts one entry at a place where another begins. Where it jumps to is
// told as before the insertion.
func (b *blob) insert(at int, entry []byte) {
	b.entries = slices.Insert(b.entries, at, entry...)
	b.shift(at, len(entry))
	b.count++
}

// remove takes out the entry that begins there.
func (b *blob) remove(at int) {
	n := b.u16(at + b.next)
	b.entries = slices.Delete(b.entries, at, at+n)
	b.shift(at, -n)
	b.count--
}

// entry writes an opening; -i cooper+ is the name compared as far as the mask
// goes.
func (b *blob) entry(o opening, p pattern) []byte {
	match := xtHeader + commentLen
	e := make([]byte, b.size+match+standard)
	binary.NativeEndian.PutUint16(e[b.target:], uint16(b.size+match))
	binary.NativeEndian.PutUint16(e[b.next:], uint16(len(e)))
	name, mask := b.out, b.outMask
	if o.in {
		name, mask = b.in, b.inMask
	}
	copy(e[name:name+unix.IFNAMSIZ], p)
	for i := range len(p.compared()) {
		e[mask+i] = 0xff
	}

	comment := e[b.size:]
	binary.NativeEndian.PutUint16(comment, uint16(match))
	copy(comment[xtName:], "comment")
	copy(comment[xtHeader:], p.name())

	target, verdict := comment[match:], int32(-nfAccept-1)
	if o.chain != "" {
		verdict = int32(b.chainAt(o.chain))
	}
	binary.NativeEndian.PutUint16(target, standard)
	binary.NativeEndian.PutUint32(target[xtHeader:], uint32(verdict))
	return e
}

// apply makes the change, and returns for each entry which one it was before:
// its index among the old ones, or -1 for one that is new.
func (b *blob) apply(what change, p pattern) (was []int) {
	for i := range int(b.count) {
		was = append(was, i)
	}
	at := int(b.underflow[unix.NF_INET_FORWARD])
	if what.before != nil {
		at = int(what.before.place)
	}
	for _, ours := range slices.Backward(what.remove) { // so that the places of those before it stay true
		place := int(ours.place)
		i := b.index(place)
		was = slices.Delete(was, i, i+1)
		if place < at {
			at -= b.u16(place + b.next)
		}
		b.remove(place)
	}
	for _, o := range slices.Backward(what.add) {
		was = slices.Insert(was, b.index(at), -1)
		b.insert(at, b.entry(o, p))
	}
	return was
}

// index is how many entries there are before a place.
func (b *blob) index(place int) (n int) {
	b.each(func(entry, _ int) {
		if entry < place {
			n++
		}
	})
	return n
}
