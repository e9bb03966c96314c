package cli

import (
	"strings"

	"cooper/stage01-namespaces"

	urfave "github.com/urfave/cli/v2"
)

// The flags are spelt as Docker spells them. names is the long name and, behind
// a space, the letter: "interactive i". A word in backquotes in the usage names
// the value: "Remember it as `name`" is shown as "--name name".

func toggle(names, usage string) urfave.Flag {
	long, aliases := split(names)
	return &urfave.BoolFlag{Name: long, Aliases: aliases, Usage: usage}
}

func text(names, usage string) urfave.Flag {
	long, aliases := split(names)
	return &urfave.StringFlag{Name: long, Aliases: aliases, Usage: usage}
}

// many is a flag that may be given many times. KeepSpace, because a space at
// the end of a variable's value belongs to it.
func many(names, usage string) urfave.Flag {
	long, aliases := split(names)
	return &urfave.StringSliceFlag{Name: long, Aliases: aliases, Usage: usage, KeepSpace: true}
}

func number(names, usage string) urfave.Flag {
	long, aliases := split(names)
	return &urfave.IntFlag{Name: long, Aliases: aliases, Usage: usage}
}

func split(names string) (long string, aliases []string) {
	words := strings.Fields(names)
	return words[0], words[1:]
}

// listed are the values of a flag of which each may be several, with commas
// between them.
func listed(values []string) (list []string) {
	for _, value := range values {
		list = append(list, strings.Split(value, ",")...)
	}
	return list
}

func explainFlag() urfave.Flag {
	return &urfave.GenericFlag{Name: "explain", Value: new(namespaces.ExplainFlag),
		Usage: "Tell every step that the kernel sees, as it happens; --explain=json for machines"}
}

// formatFlag is for the commands that print a table.
func formatFlag() urfave.Flag {
	return text("format", "Print with a Go `template`, 'table TEMPLATE' or 'json'")
}

// detachFlag is for the commands that stay in front of a container.
func detachFlag() urfave.Flag {
	return text("detach-keys", "Leave the container with these `keys` (default ctrl-p,ctrl-q)")
}
