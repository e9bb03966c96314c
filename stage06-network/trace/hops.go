package trace

import (
	"fmt"
	"slices"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// chapter is one path on its way to becoming hops.
type chapter struct {
	way   Way
	where string
	tap   *tap
	view  view
	port  func(index int) string // names a bridge's port, and the container behind it
	path  path
	route func(*visit) Hop // asks for the way of a packet that comes out of prerouting
	hops  []Hop
}

// write writes the hops of a path: each hook with the links and the packet,
// and below it every rule of others that matched. A bridge's own hooks, and
// the container's, are left out where nobody has rules in them.
func (c *chapter) write() []Hop {
	hook, bridged := -1, false
	for i, v := range c.path {
		if v.bridged() && v.hook == forward && v.place == placeFirst {
			c.hops = append(c.hops, Hop{Way: c.way, Where: c.where, What: "bridge", Text: fmt.Sprintf("switches it from port %s to port %s", c.port(v.iif), c.port(v.oif))})
			hook = -1
		}
		if v.bridged() && !c.foreign(v) {
			continue
		}
		if v.hook != hook || v.bridged() != bridged {
			hook, bridged = v.hook, v.bridged()
			if c.where == inContainer && hook != output && hook != input && !c.foreign(v) {
				continue
			}
			c.hops = append(c.hops, Hop{Way: c.way, Where: c.where, What: hookName(v), Text: c.header(v)})
		}
		if !v.ours() {
			c.rules(v)
		}
		c.changed(i)
		if v.hook == prerouting && v.place == placeLast && !v.bridged() && c.route != nil && !c.path.switched() {
			c.hops = append(c.hops, c.route(v))
		}
	}
	return c.hops
}

// foreign: someone else has a chain at this hook.
func (c *chapter) foreign(v *visit) bool {
	return slices.ContainsFunc(c.path, func(other *visit) bool {
		return !other.ours() && other.hook == v.hook && other.bridged() == v.bridged()
	})
}

func hookName(v *visit) string {
	if v.bridged() {
		return "bridge"
	}
	return hooks[v.hook]
}

// header is "cooper0 → eth0: 10.118.0.2:41234 → 192.0.2.7:80".
func (c *chapter) header(v *visit) string {
	in, out := c.view.link(v.iif), c.view.link(v.oif)
	switch {
	case v.bridged():
		return fmt.Sprintf("its own hook %s: %s", hooks[v.hook], v.packet)
	case in != "" && out != "":
		return fmt.Sprintf("from %s to %s: %s", in, out, v.packet)
	case in != "":
		return fmt.Sprintf("from %s: %s", in, v.packet)
	case out != "":
		return fmt.Sprintf("to %s: %s", out, v.packet)
	}
	return v.packet.String()
}

// rules writes what matched in one base chain. Chains that are jumped to stand
// deeper by as many jumps.
func (c *chapter) rules(v *visit) {
	stack := []string{v.chain.chain}
	for _, e := range v.events {
		if e.kind != unix.NFT_TRACETYPE_POLICY && e.handle == 0 || e.kind == unix.NFT_TRACETYPE_RETURN {
			continue // no rule matched; the end of a chain that was jumped to
		}
		if at := slices.Index(stack, e.chain); at >= 0 {
			stack = stack[:at+1]
		} else {
			stack = append(stack, e.chain)
		}
		name := chainName{e.family, e.table, e.chain}
		hop := Hop{Way: c.way, Where: c.where, What: hookName(v), Chain: name.String(), Depth: len(stack) - 1, Verdict: verdict(e), Ends: e.dropped()}
		if e.kind == unix.NFT_TRACETYPE_RULE {
			hop.Handle, hop.Rule = e.handle, c.ruleText(name, e)
		} else {
			hop.Others = len(c.tap.rules.list(name)) - v.matched()
		}
		c.hops = append(c.hops, hop)
	}
}

// matched counts the rules of the base chain itself that did.
func (v *visit) matched() (n int) {
	for _, e := range v.events {
		if e.chain == v.chain.chain && e.handle != 0 {
			n++
		}
	}
	return n
}

func (c *chapter) ruleText(name chainName, e event) string {
	rule := c.tap.rules.rule(name, e.handle)
	if rule == nil {
		return fmt.Sprintf("(a rule that is gone by now) %s", verdict(e))
	}
	return text(rule, name, c.tap.rules)
}

func verdict(e event) string {
	switch {
	case e.kind == unix.NFT_TRACETYPE_POLICY && e.dropped():
		return "policy drop"
	case e.kind == unix.NFT_TRACETYPE_POLICY:
		return "policy accept"
	}
	if e.queued() {
		return "queue"
	}
	return verdictText(e.verdict, e.jump)
}

func verdictText(kind expr.VerdictKind, chain string) string {
	switch kind {
	case expr.VerdictAccept:
		return "accept"
	case expr.VerdictDrop:
		return "drop"
	case expr.VerdictReturn:
		return "return"
	case expr.VerdictJump:
		return "jump " + chain
	case expr.VerdictGoto:
		return "goto " + chain
	case expr.VerdictQueue:
		return "queue"
	case expr.VerdictStolen:
		return "stolen"
	}
	return "continue"
}

// changed says what happened to the addresses between this visit and the next.
// It was the last rule that matched, or else nobody whom nftables knows:
// connection tracking, which goes on with what it once began, or iptables-legacy.
func (c *chapter) changed(i int) {
	if i+1 == len(c.path) {
		return
	}
	v, next := c.path[i], c.path[i+1]
	text := change(v.packet, next.packet)
	if text == "" {
		return
	}
	if last := &c.hops[len(c.hops)-1]; !v.ours() && last.Verdict == "accept" {
		last.Change = text
		return
	}
	by := "connection tracking, as on the way out"
	if c.way == Out {
		by = "a rule that nftables doesn't see"
	}
	c.hops = append(c.hops, Hop{Way: c.way, Where: c.where, What: hookName(v), Text: by, Change: text})
}
