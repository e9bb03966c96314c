package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAChallengeIsReadAsRFC9110WritesIt(t *testing.T) {
	for header, want := range map[string]challenge{
		`Bearer realm="https://a/token",service="s",scope="repository:x:pull"`: {"bearer", map[string]string{"realm": "https://a/token", "service": "s", "scope": "repository:x:pull"}},
		`Basic realm="a, b"`:           {"basic", map[string]string{"realm": "a, b"}},
		`BEARER Realm=x , Service = y`: {"bearer", map[string]string{"realm": "x", "service": "y"}},
		`Bearer realm="a\"b\\c"`:       {"bearer", map[string]string{"realm": `a"b\c`}},
		`Bearer realm="never closed`:   {"bearer", map[string]string{}},
		`Bearer`:                       {"bearer", map[string]string{}},
	} {
		require.Equal(t, []challenge{want}, parseChallenge([]string{header}), header)
	}
	require.Empty(t, parseChallenge([]string{"", " "}))
}

func FuzzChallenge(f *testing.F) {
	f.Add(`Bearer realm="https://a/token",service="s"`)
	f.Add(`Basic realm="\"`)
	f.Add("0 \xb7\xc3=")
	f.Fuzz(func(t *testing.T, header string) {
		for _, c := range parseChallenge([]string{header}) {
			require.NotEmpty(t, c.scheme)
			for _, value := range c.parameters {
				require.LessOrEqual(t, len(value), len(header))
			}
		}
	})
}
