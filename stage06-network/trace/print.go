package trace

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Print writes the report for people: one line for each hop, the rules below
// the hook that they are in, and the sentence last.
func (r *Report) Print(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s → %s, %s\n", r.Container, r.Destination, r.Protocol)
	var section string
	for _, hop := range r.Hops {
		if now := r.section(hop); now != section {
			section = now
			fmt.Fprintf(&text, "\n%s\n", section)
		}
		text.WriteString(hop.line())
	}
	fmt.Fprintf(&text, "\n%s %s\n", r.Result.sign(), r.Sentence)
	for _, advice := range r.Advice {
		fmt.Fprintf(&text, "  %s\n", advice)
	}
	_, err := io.WriteString(w, printable(text.String()))
	return err
}

// printable writes what isn't fit for a terminal as Go does, \x1b: the names of
// links, chains and search domains are the container's, which may have put
// escape sequences there.
func printable(text string) string {
	var out strings.Builder
	for _, r := range text {
		if r == '\n' || strconv.IsPrint(r) {
			out.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			out.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return out.String()
}

func (r *Report) section(hop Hop) string {
	name := map[string]string{inContainer: "in " + r.Container, onHost: "on the host", onCable: "on the host"}[hop.Where]
	if hop.Way == Back {
		name += ", the answer"
	}
	return name
}

// line begins with the hook or the like, in a column of its own. Rules are set
// in, and deeper after each jump.
func (h Hop) line() string {
	switch {
	case h.Chain == "" && h.Change != "":
		return h.row("", h.Text) + h.changed()
	case h.Chain == "":
		return h.row("  "+h.What, h.Text)
	}
	rule := h.Rule
	if rule == "" {
		rule = h.Verdict
	}
	switch {
	case h.Others == 1:
		rule += " (1 rule doesn't match)"
	case h.Others > 1:
		rule += fmt.Sprintf(" (%d rules don't match)", h.Others)
	}
	if h.Handle != 0 {
		rule += fmt.Sprintf(" # handle %d", h.Handle)
	}
	if h.Ends {
		rule += "  ✗"
	}
	return h.row("", strings.Repeat("  ", h.Depth)+h.Chain+": "+rule) + h.changed()
}

func (h Hop) row(name, text string) string {
	if h.Chain == "" && h.Ends {
		text += "  ✗"
	}
	return strings.TrimRight(fmt.Sprintf("%-14s%s", name, text), " ") + "\n"
}

func (h Hop) changed() string {
	if h.Change == "" {
		return ""
	}
	return fmt.Sprintf("%-14s%s→ %s\n", "", strings.Repeat("  ", h.Depth), h.Change)
}

func (r Result) sign() string {
	switch r {
	case Answered:
		return "✓"
	case Silent:
		return "?"
	}
	return "✗"
}
