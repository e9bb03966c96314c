package cli

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// clean makes a text from outside safe to print on a terminal: whatever isn't
// printable (control characters, escape sequences, C1 controls, marks that turn
// the direction of writing, bytes that are no UTF-8) is shown as Go writes it
// in a string, \x1b or \u202e.
//
// Names, commands, labels and the messages of a registry are chosen by others.
// Printed raw, they could clear the screen, set its title, or hide a line of
// the table they stand in.
func clean(s string) string {
	if printable(s) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&out, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			out.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return out.String()
}

// cleanLines is clean for a text of several lines, such as an error's.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = clean(line)
	}
	return strings.Join(lines, "\n")
}

func printable(s string) bool {
	for i, r := range s {
		if !strconv.IsPrint(r) {
			return false
		}
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return false
			}
		}
	}
	return true
}
