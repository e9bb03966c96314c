package cgroups

import (
	"cmp"
	"slices"
)

// deviceTable is a list of rules made ready for a kernel. Rules are written by
// people, and the last one counts; neither version of cgroups has such a list.
// Version 1 has a set without order, version 2 a program, which is quickest
// when the first match decides. The table serves both:
//
//	rules                table
//	deny  a              c 1:3 rwm      the most precise entry first;
//	allow c *:* m        c *:* m        the first one that matches a device
//	allow b *:* m        b *:* m        tells all that is allowed
//	allow c 1:3 rw
//
// An entry's access is what remains when all rules that cover the entry are
// applied in order: so c 1:3 has the m of the second rule, too. It holds for
// each device that the entry is the first one to match, because the table is
// closed: where two entries overlap ("c 1:*" and "c *:3"), their intersection
// ("c 1:3") is an entry as well, and comes before them.
//
// The last two entries are always "c *:*" and "b *:*", so something matches.
type deviceTable []deviceEntry

type deviceEntry struct {
	devices
	access deviceAccess
}

// devices is a set of devices: those of one type, with all numbers or certain
// ones.
type devices struct {
	kind         byte // 'b' or 'c'
	major, minor int64
}

// covers reports whether all of the other set are in this one.
func (d devices) covers(other devices) bool {
	return d.kind == other.kind &&
		(d.major == anyNumber || d.major == other.major) &&
		(d.minor == anyNumber || d.minor == other.minor)
}

// intersect returns the devices that are in both sets, if any are.
func (d devices) intersect(other devices) (both devices, overlap bool) {
	both = devices{d.kind, max(d.major, other.major), max(d.minor, other.minor)}
	return both, d.covers(both) && other.covers(both)
}

func (d devices) wildcards() (n int) {
	for _, number := range []int64{d.major, d.minor} {
		if number == anyNumber {
			n++
		}
	}
	return n
}

// sets are the devices that a rule speaks of.
func (r DeviceRule) sets() []devices {
	char := devices{'c', number(r.Major), number(r.Minor)}
	block := devices{'b', char.major, char.minor}
	switch r.Type {
	case "c":
		return []devices{char}
	case "b":
		return []devices{block}
	}
	return []devices{char, block}
}

func newDeviceTable(rules []DeviceRule) deviceTable {
	var table deviceTable
	for _, set := range closed(rules) {
		table = append(table, deviceEntry{set, accessTo(set, rules)})
	}
	slices.SortStableFunc(table, func(a, b deviceEntry) int {
		return cmp.Compare(a.wildcards(), b.wildcards())
	})
	return table
}

// accessTo applies, in order, the rules that cover all of the set. A rule that
// covers a part of it has an entry of its own.
func accessTo(set devices, rules []DeviceRule) (access deviceAccess) {
	for _, rule := range rules {
		for _, covered := range rule.sets() {
			switch {
			case !covered.covers(set):
			case rule.Allow:
				access |= rule.access()
			default:
				access &^= rule.access()
			}
		}
	}
	return access
}

// closed lists the sets of all rules, and what any of them have in common.
func closed(rules []DeviceRule) []devices {
	sets := DeviceRule{}.sets()
	for _, rule := range rules {
		sets = append(sets, rule.sets()...)
	}
	seen := map[devices]bool{}
	var list []devices
	for len(sets) > 0 {
		next := sets[0]
		sets = sets[1:]
		if seen[next] {
			continue
		}
		seen[next] = true
		for _, other := range list {
			if both, overlap := next.intersect(other); overlap {
				sets = append(sets, both)
			}
		}
		list = append(list, next)
	}
	return list
}

// find returns what is allowed with one device.
func (t deviceTable) find(device devices) deviceAccess {
	for _, entry := range t {
		if entry.covers(device) {
			return entry.access
		}
	}
	return 0
}
