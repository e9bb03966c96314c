package resolver

import (
	"math/rand/v2"
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// ttl is how long a client may keep an answer, in seconds; Docker's.
const ttl = 600

// answer answers what we know ourselves. It returns nil where others are to be
// asked.
//
// A name of ours is never forwarded, whatever is asked about it: that "db" has
// no IPv6 address is an answer, and nobody outside shall say otherwise.
func (r *Resolver) answer(q *query) []byte {
	if q.fault != dnsmessage.RCodeSuccess {
		return q.reply()
	}
	networks, err := r.config.Networks()
	if err != nil {
		return q.fail(dnsmessage.RCodeServerFailure)
	}
	records, known, err := lookUp(networks, q.question)
	if err != nil {
		return q.fail(dnsmessage.RCodeServerFailure)
	}
	if known {
		return q.reply(records...)
	}
	if !leadsOut(networks) {
		return q.fail(dnsmessage.RCodeServerFailure)
	}
	return nil
}

// leadsOut reports whether the container is on a network that isn't internal.
// If it is on none, no query leaves it either: we ask from the host's network,
// where a name is a way to tell the world something (CVE-2024-29018).
func leadsOut(networks []Network) bool {
	for _, network := range networks {
		if !network.Internal {
			return true
		}
	}
	return false
}

// lookUp finds the records that a question asks for. A name can be known and
// have none of them.
func lookUp(networks []Network, q dnsmessage.Question) (records []dnsmessage.Resource, known bool, err error) {
	if q.Class != dnsmessage.ClassINET {
		return nil, false, nil
	}
	name := lower(q.Name)
	if ip, ok := reversed(name); ok && q.Type == dnsmessage.TypePTR {
		return pointer(networks, q, ip)
	}
	addresses, known, err := addressesOf(networks, name, func(ip netip.Addr) bool { return isOfType(ip, q.Type) })
	// A client takes the first; so each is the first for some.
	rand.Shuffle(len(addresses), func(i, j int) { addresses[i], addresses[j] = addresses[j], addresses[i] })
	for _, ip := range addresses {
		records = append(records, address(q, ip))
	}
	return records, known, err
}

func isOfType(ip netip.Addr, kind dnsmessage.Type) bool {
	return kind == dnsmessage.TypeALL || kind == dnsmessage.TypeA && ip.Is4() || kind == dnsmessage.TypeAAAA && ip.Is6()
}

// address is an A or an AAAA record.
func address(q dnsmessage.Question, ip netip.Addr) dnsmessage.Resource {
	record := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: ttl}}
	if ip.Is4() {
		record.Body = &dnsmessage.AResource{A: ip.As4()}
	} else {
		record.Body = &dnsmessage.AAAAResource{AAAA: ip.As16()}
	}
	return record
}

// pointer is the way back, from an address to "web.mynet.".
func pointer(networks []Network, q dnsmessage.Question, ip netip.Addr) ([]dnsmessage.Resource, bool, error) {
	for _, network := range networks {
		holder, known, err := network.holder(ip)
		if err != nil {
			return nil, false, err
		}
		if !known {
			continue
		}
		name, err := dnsmessage.NewName(holder + "." + network.Name + ".")
		if err != nil {
			return nil, false, err
		}
		return []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: ttl},
			Body:   &dnsmessage.PTRResource{PTR: name},
		}}, true, nil
	}
	return nil, false, nil
}
