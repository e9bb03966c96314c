package firewall

// A rule is as much of somebody's rule as we need to know, in whichever of the
// kernel's two packet filters it stands.
type rule struct {
	in, out string // the link's name that it asks for; "cooper*" for all that begin so
	more    bool   // it asks for something else as well
	act     act    // what it does with the packets that it is about
	chain   string // where it jumps to
	comment string
	place   uint64 // the rule's handle (nf_tables), or where in the table it begins (ip_tables)
}

// always tells whether it is about every packet.
func (r rule) always() bool { return r.in == "" && r.out == "" && !r.more }

type act int

const (
	nothing act = iota // counts, marks
	logs
	drops // or rejects
	accepts
	jumps
	decides // returns, queues, or does what only the kernel knows
)

// A chain is the one of a table that the kernel asks about packets that pass
// through the host.
type chain struct {
	rules []rule
	drops bool // its policy: what becomes of the packets that no rule decided on
	// jump returns the rules of another chain of the table.
	jump func(name string) ([]rule, error)
}

// end finds where the chain ends for packets that nobody has said anything
// about, if that end is a drop: the index of the first rule that drops or
// rejects them all, len(rules) where the policy does. What only logs them on
// the way there belongs to the end.
func (c chain) end() (index int, closed bool, err error) {
	index, closed, err = c.closing(c.rules, 0)
	if err != nil || !closed && !c.drops {
		return 0, false, err
	}
	if !closed {
		index = len(c.rules)
	}
	for i := index - 1; i >= 0; i-- {
		quiet, writes, err := c.quiet(c.rules[i], 0)
		if err != nil {
			return 0, false, err
		}
		if !quiet {
			break
		}
		if writes {
			index = i
		}
	}
	return index, true, nil
}

// deepest is how many jumps we follow; the kernel allows 16.
const deepest = 16

// closing finds the first rule that drops or rejects every packet.
func (c chain) closing(rules []rule, depth int) (index int, found bool, err error) {
	for i, r := range rules {
		if !r.always() {
			continue
		}
		switch r.act {
		case drops:
			return i, true, nil
		case accepts, decides:
			return 0, false, nil // no packet comes further than this
		case jumps:
			if depth == deepest {
				return 0, false, nil
			}
			target, err := c.jump(r.chain)
			if err != nil {
				return 0, false, err
			}
			if _, found, err := c.closing(target, depth+1); err != nil || found {
				return i, found, err
			}
		}
	}
	return 0, false, nil
}

// quiet tells whether a rule decides on no packet whatever, and whether it, or
// the chain that it jumps to, writes to the log.
func (c chain) quiet(r rule, depth int) (quiet, writes bool, err error) {
	switch r.act {
	case nothing:
		return true, false, nil
	case logs:
		return true, true, nil
	case jumps:
		if depth == deepest {
			return false, false, nil
		}
	default:
		return false, false, nil
	}
	target, err := c.jump(r.chain)
	if err != nil {
		return false, false, err
	}
	for _, r := range target {
		q, w, err := c.quiet(r, depth+1)
		if err != nil || !q {
			return false, false, err
		}
		writes = writes || w
	}
	return true, writes, nil
}
