package seccomp

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// verdict is what happens to a call of one number: the first of the clauses
// that the arguments meet decides, and if none does, otherwise.
type verdict struct {
	clauses   []clause
	otherwise Action
}

// clause is an action that depends on the arguments: all must be met.
type clause struct {
	all    []comparison
	action Action
}

// same tells two verdicts apart, or that they aren't two.
func (v verdict) same() string {
	answer := strconv.FormatUint(uint64(v.otherwise), 16)
	if len(v.clauses) == 0 {
		return answer
	}
	return fmt.Sprint(answer, v.clauses)
}

// judged is a rule with its words understood.
type judged struct {
	names   []string
	clauses []clause // none: the action holds whatever the arguments
	action  Action
}

// understand reads a rule. Two comparisons of the same argument in one rule
// are alternatives, and those of different ones must all be met. It is a
// strange rule, but profiles have relied on it since the days when runc could
// do no better, and a rule that is read more narrowly might be one that
// forbids.
func understand(r Rule) (judged, error) {
	action, err := parseAction(r.Action, r.ErrnoRet)
	if err != nil {
		return judged{}, err
	}
	j := judged{names: r.Names, action: action}
	var all []comparison
	twice := false
	for _, condition := range r.Args {
		c, err := parseCondition(condition)
		if err != nil {
			return judged{}, err
		}
		twice = twice || slices.ContainsFunc(all, func(have comparison) bool { return have.index == c.index })
		all = append(all, c)
	}
	switch {
	case twice:
		for _, c := range all {
			j.clauses = append(j.clauses, clause{[]comparison{c}, action})
		}
	case len(all) > 0:
		j.clauses = []clause{{all, action}}
	}
	return j, nil
}

// understandAll reads the rules that say more than the default does. One with
// the default's own action is no rule, for libseccomp neither: "deny socket"
// in a profile that denies isn't stronger than a later "allow socket".
func understandAll(rules []Rule, byDefault Action) ([]judged, error) {
	var list []judged
	for _, rule := range rules {
		j, err := understand(rule)
		if err != nil {
			return nil, fmt.Errorf("rule for %s: %w", strings.Join(rule.Names, ", "), err)
		}
		if j.action != byDefault {
			list = append(list, j)
		}
	}
	return list, nil
}

// verdicts returns what happens to each call that a rule is about. A rule
// without conditions is stronger than those with some; among equals the first
// holds.
func verdicts(rules []judged, numbers map[string]uint32, byDefault Action) map[uint32]verdict {
	certain := map[uint32]Action{}
	list := map[uint32]verdict{}
	for _, rule := range rules {
		for _, number := range known(numbers, rule.names) {
			v, seen := list[number]
			if !seen {
				v.otherwise = byDefault
			}
			if _, decided := certain[number]; !decided && len(rule.clauses) == 0 {
				certain[number] = rule.action
			}
			v.clauses = append(v.clauses, rule.clauses...)
			list[number] = v
		}
	}
	for number, action := range certain {
		list[number] = verdict{otherwise: action}
	}
	return list
}

// run is a row of numbers, from first up to the next run's, with one verdict.
type run struct {
	first   uint32
	verdict verdict
}

// runs cuts all numbers that there can be into rows.
//
// What the table doesn't know yet fails with ENOSYS, as on an old kernel: a
// libc that tries a new call then takes the old one instead, where EPERM would
// make it give up. A profile that permits by default permits that as well.
func (a abi) runs(list map[uint32]verdict, newest uint32, byDefault Action) []run {
	of := func(number uint32) verdict {
		v, ruled := list[number]
		switch {
		case number >= a.foreign && a.foreign != noneForeign:
			return verdict{otherwise: noSuchCall}
		case ruled:
			return v
		case number > newest && !byDefault.Permits():
			return verdict{otherwise: noSuchCall}
		}
		return verdict{otherwise: byDefault}
	}
	borders := []uint32{0, newest + 1, a.foreign}
	for number := range maps.Keys(list) {
		borders = append(borders, number, number+1)
	}
	slices.Sort(borders)
	var rows []run
	last := ""
	for _, first := range slices.Compact(borders) {
		v := of(first)
		if same := v.same(); same != last {
			rows, last = append(rows, run{first, v}), same
		}
	}
	return rows
}
