package docs

import (
	"fmt"
	"slices"
	"strings"
)

// A console block is a session at a terminal, as the reader would have it:
//
//	```console
//	# stage01 run --uts hostname
//	…
//	$ echo hello
//	hello
//	```
//
// A line that begins with "# " is typed by root, with "$ " by an ordinary
// user, with "> " it continues the command above; the rest is what the
// terminal answers. In the answer, a line "..." stands for any lines, and "…"
// within a line for anything on that line. A block with a single # in it is
// root's as a whole. One shell takes all of a block's commands, so that
// variables and directories carry on.

// Command is one command of a console block and the answer that the page
// promises.
type Command struct {
	Line int // of the page, from 1
	Root bool
	Text string
	Want []string
}

// ParseConsole reads the commands of a console block.
func ParseConsole(fence Fence) ([]Command, error) {
	var commands []Command
	for i, line := range fence.Lines {
		number := fence.Line + 1 + i
		if len(line) >= 2 && (line[:2] == "$ " || line[:2] == "# ") {
			commands = append(commands, Command{Line: number, Root: line[0] == '#', Text: line[2:]})
			continue
		}
		if len(commands) == 0 {
			return nil, fmt.Errorf("line %d: a console block begins with a command, \"# \" or \"$ \"", number)
		}
		last := &commands[len(commands)-1]
		if more, ok := strings.CutPrefix(line, "> "); ok && len(last.Want) == 0 {
			last.Text += "\n" + more
			continue
		}
		last.Want = append(last.Want, line)
	}
	return commands, nil
}

// separator ends the answer of each command in the output of Script. No
// program in the book writes this byte.
const separator = "\x1e"

// Script writes the commands as one program for sh that marks where each
// answer ends. $? stays what the command made it.
func Script(commands []Command) string {
	var b strings.Builder
	for _, command := range commands {
		fmt.Fprintf(&b, "%s\nstatus_of_last=$?; printf '\\036'; (exit $status_of_last)\n", command.Text)
	}
	return b.String()
}

// Answers cuts what Script printed into one answer per command. A command
// that ended the shell leaves fewer.
func Answers(output string) [][]string {
	var answers [][]string
	parts := strings.Split(output, separator)
	for i, part := range parts {
		part = strings.TrimRight(strings.ReplaceAll(part, "\r\n", "\n"), "\n")
		if part == "" && i == len(parts)-1 {
			break
		}
		var lines []string
		if part != "" {
			lines = strings.Split(part, "\n")
		}
		answers = append(answers, lines)
	}
	return answers
}

// Match reports whether the answer is the one the page promises. Blanks at the
// ends of lines don't count.
func Match(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if strings.TrimSpace(want[0]) == "..." {
		return slices.ContainsFunc(tails(got), func(tail []string) bool { return Match(want[1:], tail) })
	}
	return len(got) > 0 && matchLine(want[0], got[0]) && Match(want[1:], got[1:])
}

// tails lists what is left of the lines after dropping none, one, two … all.
func tails(lines []string) [][]string {
	list := make([][]string, 0, len(lines)+1)
	for i := range len(lines) + 1 {
		list = append(list, lines[i:])
	}
	return list
}

// matchLine compares one line: each piece between two "…" must come in order,
// the first at the beginning, the last at the end.
func matchLine(want, got string) bool {
	pieces := strings.Split(strings.TrimRight(want, " \t"), "…")
	if last := pieces[len(pieces)-1]; last != "" || len(pieces) == 1 {
		got = strings.TrimRight(got, " \t")
	}
	if len(pieces) == 1 {
		return pieces[0] == got
	}
	rest, ok := strings.CutPrefix(got, pieces[0])
	if !ok {
		return false
	}
	for _, piece := range pieces[1 : len(pieces)-1] {
		at := strings.Index(rest, piece)
		if at < 0 {
			return false
		}
		rest = rest[at+len(piece):]
	}
	return strings.HasSuffix(rest, pieces[len(pieces)-1])
}
