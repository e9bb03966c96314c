package engine

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestDetachKeysAreWrittenAsDockerWritesThem(t *testing.T) {
	for text, want := range map[string]string{
		"ctrl-p,ctrl-q": "\x10\x11", "a": "a", "a,a,b": "aab", "ctrl-a,d": "\x01d", "ctrl-z": "\x1a",
		"ctrl-@": "\x00", "ctrl-[": "\x1b", `ctrl-\`: "\x1c", "ctrl-]": "\x1d", "ctrl-^": "\x1e", "ctrl-_": "\x1f",
		"DEL": "\x7f", "A,^,-": "A^-", "\x1b": "\x1b",
	} {
		keys, err := parseDetachKeys(text)
		require.NoError(t, err, text)
		require.Equal(t, want, string(keys), text)
	}
	for _, bad := range []string{"", ",", "a,", ",a", "a,,b", "ctrl-", "ctrl-,x", "ctrl-P", "Ctrl-p", "ctrl-pq", "ctrl-1", "ctrl- ",
		"ctrl-?", "ctrl--", "ctrl-\x00", "ctrl-ä", "ctrl", "^p", "ab", "ä", "del", "a b", " a", "ctrl-p ctrl-q"} {
		_, err := parseDetachKeys(bad)
		require.ErrorContains(t, err, "unknown key", bad)
		require.Error(t, CheckDetachKeys(bad))
	}
}

// All keys of up to four letters, of which there are two, in all inputs of up to
// seven: each way in which a sequence can overlap itself is among them. The model
// has all input at once and looks for the keys in it.
func TestDetachKeysAreFoundInAnyPieces(t *testing.T) {
	for _, keys := range words("ab", 4) {
		for _, input := range append(words("ab", 7), "") {
			passed, _, found := strings.Cut(input, keys)
			for _, in := range []io.Reader{strings.NewReader(input), iotest.OneByteReader(strings.NewReader(input)), iotest.HalfReader(strings.NewReader(input))} {
				got, err := io.ReadAll(&detachable{in: in, keys: []byte(keys)})
				require.Equal(t, passed, string(got), "%q in %q", keys, input)
				if found {
					require.ErrorIs(t, err, errDetach, "%q in %q", keys, input)
				} else {
					require.NoError(t, err, "%q in %q", keys, input)
				}
			}
		}
	}
}

// words lists all words of one letter to max letters.
func words(alphabet string, max int) (all []string) {
	last := []string{""}
	for range max {
		var longer []string
		for _, word := range last {
			for _, letter := range alphabet {
				longer = append(longer, word+string(letter))
			}
		}
		all, last = append(all, longer...), longer
	}
	return all
}

func TestInputThatFailsIsPassedOnAsFarAsItCame(t *testing.T) {
	broken := errors.New("hung up")
	in := io.MultiReader(strings.NewReader("x\x10"), iotest.ErrReader(broken))
	got, err := io.ReadAll(&detachable{in: in, keys: []byte("\x10\x11")})
	require.ErrorIs(t, err, broken)
	require.Equal(t, "x\x10", string(got))
}
