package network

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Who is on a network stands in its directory, as symbolic links, so that
// `ls -l` shows it:
//
//	network.json                           what the network is
//	lock                                   flock(2) while something changes
//	last         -> 10.118.0.7             where the search for an address begins, a hint
//	4f1c…        -> "eth0 10.118.0.7 web"  a container: its link, its addresses, its name
//	10.118.0.7   -> 4f1c…                  whose an address is
//	names/web/4f1c… -> "10.118.0.7 web"    a name, and each container that has it
//
// symlink(2) is exclusive creation with its content in one act: there is never
// a file without its text, and the second container to ask for an address gets
// EEXIST. readlink(2) reads it in one act, too, so whoever only looks needs no
// lock. Nothing is synced to the disk: a lease must outlive the process that
// took it, but not a power cut, which ends the container as well.
type record string

func (r record) path(name ...string) string {
	return filepath.Join(append([]string{string(r)}, name...)...)
}

func (r record) name() string { return filepath.Base(string(r)) }

func (r record) locked(do func() error) error { return locked(string(r), do) }

// lease is what a container has of a network.
type lease struct {
	link      string       // eth0
	addresses []netip.Addr // of IPv4, then of IPv6 if the network has it
	name      string       // the container's, for whoever looks; "" if it has none
}

// String is the text of the container's link in the record.
func (l lease) String() string {
	return strings.TrimSpace(l.link + " " + l.whom())
}

// whom is the text of a name's link.
func (l lease) whom() string {
	var words []string
	for _, ip := range l.addresses {
		words = append(words, ip.String())
	}
	return strings.TrimSpace(strings.Join(append(words, l.name), " "))
}

func parseLease(text string) (l lease) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return l
	}
	l.link = words[0]
	for _, word := range words[1:] {
		if ip, err := netip.ParseAddr(word); err == nil {
			l.addresses = append(l.addresses, ip)
		} else {
			l.name = word
		}
	}
	return l
}

// held returns the container's lease: of the addresses in it those that lead
// back to the container.
func (r record) held(id string) (lease, bool) {
	text, err := os.Readlink(r.path(id))
	if err != nil {
		return lease{}, false
	}
	l := parseLease(text)
	l.addresses = slices.DeleteFunc(l.addresses, func(ip netip.Addr) bool {
		owner, err := os.Readlink(r.path(ip.String()))
		return err != nil || owner != id
	})
	return l, true
}

// Place is what a container has on a network.
type Place struct {
	Name      string // the container's, "" if it has none
	Link      string // eth0, in the container
	Addresses []netip.Addr
}

// Places lists who is on a network, by ID.
func (n Networks) Places(network string) (map[string]Place, error) {
	r := n.record(network)
	ids, err := r.containers()
	places := make(map[string]Place, len(ids))
	for _, id := range ids {
		if l, held := r.held(id); held {
			places[id] = Place{l.name, l.link, l.addresses}
		}
	}
	return places, err
}

// Full reports whether a network may have no address left. It is asked before
// each start and counts small networks only: one with thousands of addresses
// isn't filled by what a few dead containers have left.
func (n Networks) Full(network string) bool {
	const small = 10 // bits of addresses
	r := n.record(network)
	d, err := read(string(r))
	if err != nil {
		return false
	}
	part := d.Subnets[0].Prefix
	if d.Subnets[0].Range.IsValid() {
		part = d.Subnets[0].Range
	}
	bits := part.Addr().BitLen() - part.Bits()
	if bits > small {
		return false
	}
	ids, err := r.containers()
	return err == nil && len(ids)+3 >= 1<<bits // the network's own, the gateway's, the broadcast address
}

// containers lists who is on the network.
func (r record) containers() (ids []string, err error) {
	entries, err := os.ReadDir(string(r))
	for _, entry := range entries {
		if isContainer(entry.Name()) {
			ids = append(ids, entry.Name())
		}
	}
	return ids, err
}

// others reports whether another container than this one is on the network. It
// reads no further than it must: that is asked at each container's end.
func (r record) others(id string) (bool, error) {
	file, err := os.Open(string(r))
	if err != nil {
		return false, err
	}
	defer file.Close()
	for {
		names, err := file.Readdirnames(64)
		if slices.ContainsFunc(names, func(name string) bool { return isContainer(name) && name != id }) {
			return true, nil
		}
		if err != nil || len(names) == 0 {
			return false, nil // io.EOF
		}
	}
}

// isContainer tells a container's entry from the others: an ID has 64 hex digits.
func isContainer(name string) bool {
	return len(name) == 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'f')
	})
}
