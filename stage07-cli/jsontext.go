package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
)

// writeJSON writes a value as JSON that is safe to look at: beside the control
// characters, which JSON escapes anyway, everything else that isn't printable
// is escaped as well. To a program that reads it, it is the same document.
func writeJSON(w io.Writer, value any, indent string) error {
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	out.SetIndent("", indent)
	if err := out.Encode(value); err != nil {
		return err
	}
	_, err := io.WriteString(w, escapeJSON(text.String()))
	return err
}

// escapeJSON escapes what stands in a JSON text's strings; nowhere else can
// there be such characters.
func escapeJSON(text string) string {
	if printable(strings.ReplaceAll(text, "\n", "")) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if r == '\n' || strconv.IsPrint(r) {
			out.WriteRune(r)
			continue
		}
		if r <= 0xffff {
			fmt.Fprintf(&out, `\u%04x`, r)
			continue
		}
		high, low := utf16.EncodeRune(r)
		fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
	}
	return out.String()
}
