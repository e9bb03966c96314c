package seccomp

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// newest is the last number of our tables.
const newest = 471

// literally is what a profile says of a call, read from its beginning to its
// end as a person would, without a table, a tree or a program.
func literally(t *testing.T, p *Profile, target Target, c Call) Action {
	byDefault, err := parseAction(p.DefaultAction, p.DefaultErrnoRet)
	require.NoError(t, err)
	if c.Arch == unix.AUDIT_ARCH_X86_64 && c.Number >= 1<<30 {
		return Action(unix.SECCOMP_RET_ERRNO) | Action(unix.ENOSYS)
	}
	answer, decided := byDefault, false
	for _, rule := range rulesFor(t, p, target, c) {
		action, err := parseAction(rule.Action, rule.ErrnoRet)
		require.NoError(t, err)
		switch {
		case action == byDefault:
		case len(rule.Args) == 0:
			return action
		case !decided && !slices.ContainsFunc(rule.Args, func(arg Condition) bool { return !met(arg, c) }):
			answer, decided = action, true
		}
	}
	if answer == byDefault && c.Number > newest && c.Number < 0xf0000 && !byDefault.Permits() {
		return noSuchCall
	}
	if c.Number > 0xf0006 && !byDefault.Permits() || c.Number >= 0xf0000 && c.Arch != unix.AUDIT_ARCH_ARM {
		return noSuchCall
	}
	return answer
}

// met compares as C would, in a long of the caller's.
func met(arg Condition, c Call) bool {
	a, value, two := c.Args[arg.Index], arg.Value, arg.ValueTwo
	if c.Arch&0x80000000 == 0 { // the bit in AUDIT_ARCH_… that stands for 64 bits
		value, two = uint64(uint32(value)), uint64(uint32(two))
	}
	return map[string]bool{
		"SCMP_CMP_NE": a != value, "SCMP_CMP_LT": a < value, "SCMP_CMP_LE": a <= value, "SCMP_CMP_EQ": a == value,
		"SCMP_CMP_GE": a >= value, "SCMP_CMP_GT": a > value, "SCMP_CMP_MASKED_EQ": a&value == two,
	}[arg.Op]
}

// rulesFor returns the rules that are about a call.
func rulesFor(t *testing.T, p *Profile, target Target, c Call) []Rule {
	abis, err := machine(target.GOARCH)
	require.NoError(t, err)
	abi := abis[slices.IndexFunc(abis, func(a abi) bool { return a.audit == c.Arch })]
	numbers, _ := abi.numbers()
	rules, err := p.rules(target)
	require.NoError(t, err)
	return slices.DeleteFunc(rules, func(rule Rule) bool { return !slices.Contains(known(numbers, rule.Names), c.Number) })
}

func countRules(t *testing.T, p *Profile, target Target, c Call) int {
	return len(rulesFor(t, p, target, c))
}
