package firewall

import (
	"slices"
)

// An opening is one of the rules that we add. As iptables prints them:
//
//	-A FORWARD -i cooper+ -m comment --comment cooper -j ACCEPT
//	-A FORWARD -o cooper+ -m comment --comment cooper -j ACCEPT
//
// The comment, which is what the bridges' names begin with, says whose they are.
type opening struct {
	in    bool   // for packets from our bridges, else for those to them
	chain string // jump there; "" is accept
}

// dockerGuard is the chain in which Docker, up to version 27, keeps one of its
// networks' containers from reaching another's: it drops whatever is for one of
// its bridges. Docker jumps there for packets from its own bridges alone, and
// leaves all others to FORWARD's policy, which is what our accept replaces.
// So our packets are sent there first. What Docker publishes was accepted by an
// earlier rule of its own. Later versions have such drops for everyone.
const (
	dockerGuard     = "DOCKER-ISOLATION-STAGE-2"
	dockerGuardGate = "DOCKER-ISOLATION-STAGE-1"
)

// wanted lists our rules for a chain.
func (c chain) wanted() ([]opening, error) {
	openings := []opening{{in: true}, {in: false}}
	gate := func(r rule) bool { return r.act == jumps && r.chain == dockerGuardGate }
	if !slices.ContainsFunc(c.rules, gate) {
		return openings, nil
	}
	guard, err := c.jump(dockerGuard)
	if err != nil || len(guard) == 0 {
		return openings, err
	}
	return append([]opening{{in: true, chain: dockerGuard}}, openings...), nil
}

// ours returns which opening for the bridges a rule is, if it is one.
func (r rule) ours(p pattern) (opening, bool) {
	o := opening{in: r.in != "", chain: r.chain}
	is := r.comment == p.name() && !r.more &&
		(r.in == p.nft() && r.out == "" || r.out == p.nft() && r.in == "") &&
		(r.act == accepts || r.act == jumps)
	return o, is
}

// A change is what is to be done to a chain: our rules in it that are to go,
// and those that are to come, just before one of the rules that stay.
type change struct {
	remove []rule
	add    []opening
	before *rule // nil is the end of the chain
}

// admit plans how the chain's end is opened; the zero change is nothing.
//
// Where our rules are already, just before the end, they stay. Where others'
// have come in between, ours move, so that theirs are asked first.
func (c chain) admit(p pattern) (change, error) {
	theirs, ours := c.without(p)
	end, closed, err := theirs.end()
	if err != nil || !closed {
		return change{}, err
	}
	add, err := theirs.wanted()
	if err != nil {
		return change{}, err
	}
	if c.has(add, end, p) && len(ours) == len(add) {
		return change{}, nil
	}
	plan := change{remove: ours, add: add}
	if end < len(theirs.rules) {
		plan.before = &theirs.rules[end]
	}
	return plan, nil
}

// withdraw plans how all that is ours goes.
func (c chain) withdraw(p pattern) change {
	_, ours := c.without(p)
	return change{remove: ours}
}

func (c change) empty() bool { return len(c.remove) == 0 && len(c.add) == 0 }

// without parts the chain from our rules in it.
func (c chain) without(p pattern) (theirs chain, ours []rule) {
	theirs = c
	theirs.rules = nil
	for _, r := range c.rules {
		if _, is := r.ours(p); is {
			ours = append(ours, r)
		} else {
			theirs.rules = append(theirs.rules, r)
		}
	}
	return theirs, ours
}

// has tells whether the chain has these rules from this index on.
func (c chain) has(openings []opening, from int, p pattern) bool {
	if from+len(openings) > len(c.rules) {
		return false
	}
	for i, want := range openings {
		if have, is := c.rules[from+i].ours(p); !is || have != want {
			return false
		}
	}
	return true
}
