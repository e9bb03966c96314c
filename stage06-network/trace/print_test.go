package trace

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// S60: a container names its links and chains, and its name server's domains.
func TestNothingOfAContainersReachesTheTerminalRaw(t *testing.T) {
	r := Report{
		Container: "web", Destination: "shop:80", Sentence: "dropped by a rule of chain \x1b[2J",
		Hops: []Hop{
			{Where: inContainer, What: "name", Text: "shop.\x1b]0;title\a\u009b is 10.118.0.3\r"},
			{Where: inContainer, What: "output", Chain: "ip own \x1b[8m\xff\u202e", Rule: "drop"},
		},
	}
	var out strings.Builder
	require.NoError(t, r.Print(&out))
	require.Equal(t, `web → shop:80, 

in web
  name        shop.\x1b]0;title\a\u009b is 10.118.0.3\r
              ip own \x1b[8m`+"\ufffd"+`\u202e: drop

✗ dropped by a rule of chain \x1b[2J
`, out.String())
}
