package firewall

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Chains as others make them, and where each ends: the index of the first rule
// that our own are to stand before, -1 for a chain that lets packets pass.
func TestOursStandWhereTheChainWouldEnd(t *testing.T) {
	var (
		drop    = rule{act: drops}
		log     = rule{act: logs}
		limited = rule{act: logs, more: true}
		some    = rule{act: drops, more: true}
		ours    = rule{act: accepts, in: "eth0"}
		all     = rule{act: accepts}
		count   = rule{act: nothing}
		back    = rule{act: decides}
	)
	to := func(chain string) rule { return rule{act: jumps, chain: chain} }
	others := map[string][]rule{
		"empty": nil, "closed": {log, drop}, "logging": {limited}, "some": {some}, "user": {back, drop},
		"deeper": {to("closed")}, "loop": {to("loop")},
	}
	for _, test := range []struct {
		name  string
		rules []rule
		drops bool
		want  int
	}{
		{"nothing there", nil, false, -1},
		{"policy drop", nil, true, 0},
		{"policy drop, after what others say", []rule{some, ours}, true, 2},
		{"a drop at the end", []rule{ours, some, drop}, false, 2},
		{"what stands behind a drop is never asked", []rule{drop, ours}, true, 0},
		{"accept everything", []rule{some, all}, true, 2},
		{"accept everything before the drop", []rule{all, drop}, false, -1},
		{"the log before the drop", []rule{ours, log, limited, drop}, false, 1},
		{"the log before the policy", []rule{ours, limited}, true, 1},
		{"a log that others are decided after", []rule{log, some, count, drop}, false, 3},
		{"Docker", []rule{to("user"), to("some"), ours}, true, 3},
		{"ufw", []rule{to("some"), to("empty"), to("logging"), to("empty"), to("empty")}, true, 2},
		{"ufw that rejects", []rule{to("some"), to("empty"), to("logging"), to("closed"), to("empty")}, true, 2},
		{"a chain that drops all, two jumps away", []rule{ours, to("deeper")}, false, 1},
		{"a chain that can't be", []rule{to("loop")}, true, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := chain{rules: test.rules, drops: test.drops, jump: func(name string) ([]rule, error) { return others[name], nil }}
			index, closed, err := c.end()
			require.NoError(t, err)
			if !closed {
				index = -1
			}
			require.Equal(t, test.want, index)
		})
	}
}
