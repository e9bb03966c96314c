package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatCouldSteerATerminalIsShownAndNotSent(t *testing.T) {
	for given, want := range map[string]string{
		"web":                      "web",
		"größe, 木桶, ☃":             "größe, 木桶, ☃",
		`back\slash "quoted"`:      `back\slash "quoted"`,
		"\x1b[31mred":              `\x1b[31mred`,
		"\x1b]0;title\x07":         `\x1b]0;title\a`,
		"two\nlines\ttab\rback":    `two\nlines\ttab\rback`,
		"bell\x07null\x00":         `bell\anull\x00`,
		"c1 \u009b2J":              `c1 \u009b2J`,
		"byte \x9b":                `byte \x9b`,
		"right-to-left \u202egpj":  `right-to-left \u202egpj`,
		"zero width \u200b space":  `zero width \u200b space`,
		"broken \xff\xfe UTF-8 �":  `broken \xff\xfe UTF-8 �`,
		"no-break\u00a0space \x7f": `no-break\u00a0space \x7f`,
		"":                         "",
	} {
		require.Equal(t, want, clean(given))
	}
	require.Equal(t, "first\nsecond \\x1b", cleanLines("first\nsecond \x1b"))
}

func TestJSONIsSafeToLookAtAndStillTheSame(t *testing.T) {
	for _, value := range []string{"plain", "größe ☃", "\x1b]0;t\a", "c1 \u009b2J \u202e", "<&>", "tag \U000e0041", "\u2028"} {
		var out strings.Builder
		require.NoError(t, writeJSON(&out, []string{value}, "    "))
		require.True(t, printable(strings.ReplaceAll(out.String(), "\n", "")), "%q", out.String())
		var back []string
		require.NoError(t, json.Unmarshal([]byte(out.String()), &back))
		require.Equal(t, []string{value}, back)
	}
}
