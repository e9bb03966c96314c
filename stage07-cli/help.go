package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	urfave "github.com/urfave/cli/v2"
)

// The groups of "cooper --help", in the order in which they are shown. A
// command says by its Category where it belongs.
const (
	common     = "Common Commands"
	management = "Management Commands"
	others     = "Commands"
)

func helpCommand() *urfave.Command {
	return &urfave.Command{
		Name: "help", Usage: "Show what a command does", ArgsUsage: "[COMMAND...]", Category: others,
		Action: func(c *urfave.Context) error {
			// "help container run" is "container run --help".
			asked, err := spell(c.App, append(c.Args().Slice(), "--help"))
			if err != nil {
				return err
			}
			return printHelp(c.App.Writer, c.App, asked)
		},
	}
}

// printHelp writes the help of the command that the line names.
func printHelp(w io.Writer, app *urfave.App, asked *line) error {
	out := tabwriter.NewWriter(w, 0, 1, 3, ' ', 0)
	if asked.command == nil {
		fmt.Fprintf(out, "Usage:  %s [OPTIONS] COMMAND\n\n%s\n", app.Name, app.Usage)
		for _, group := range []string{common, management, others} {
			printCommands(out, group, app.Commands)
		}
		printFlags(out, "Global Options", app.Flags)
		fmt.Fprintf(out, "\nRun '%s COMMAND --help' for more about a command.\n", app.Name)
		return out.Flush()
	}
	command := asked.command
	fmt.Fprintf(out, "Usage:  %s", asked.path)
	if len(command.Subcommands) > 0 {
		fmt.Fprintf(out, " COMMAND\n\n%s\n", command.Usage)
		printCommands(out, others, command.Subcommands)
		fmt.Fprintf(out, "\nRun '%s COMMAND --help' for more about a command.\n", asked.path)
		return out.Flush()
	}
	if len(command.VisibleFlags()) > 0 {
		fmt.Fprint(out, " [OPTIONS]")
	}
	if command.ArgsUsage != "" {
		fmt.Fprintf(out, " %s", command.ArgsUsage)
	}
	fmt.Fprintf(out, "\n\n%s\n", command.Usage)
	if command.Description != "" {
		fmt.Fprintf(out, "\n%s\n", command.Description)
	}
	printFlags(out, "Options", command.Flags)
	return out.Flush()
}

func printCommands(w io.Writer, group string, commands []*urfave.Command) {
	title := "\n" + group + ":\n"
	for _, command := range commands {
		if command.Hidden || command.Category != group && command.Category != "" {
			continue
		}
		fmt.Fprintf(w, "%s  %s\t%s\n", title, command.Name, command.Usage)
		title = ""
	}
}

// printFlags writes "  -e, --env list   Set an environment variable". The word
// for the value stands in backquotes in the flag's usage, as the library has it.
func printFlags(w io.Writer, title string, flags []urfave.Flag) {
	title = "\n" + title + ":\n"
	for _, flag := range flags {
		documented, ok := flag.(urfave.DocGenerationFlag)
		if !ok {
			continue
		}
		if visible, ok := flag.(urfave.VisibleFlag); ok && !visible.IsVisible() {
			continue
		}
		names, usage := "    ", documented.GetUsage()
		for _, name := range flag.Names() {
			if len(name) == 1 {
				names = "-" + name + ", "
			}
		}
		names += "--" + flag.Names()[0]
		if before, rest, found := strings.Cut(usage, "`"); found {
			word, after, _ := strings.Cut(rest, "`")
			names, usage = names+" "+word, before+word+after
		}
		if text, ok := flag.(*urfave.StringFlag); ok && text.Value != "" {
			// Not text.Value, which becomes that of the environment variable.
			usage += fmt.Sprintf(" (default %s)", strings.Trim(text.GetDefaultText(), `"`))
		}
		fmt.Fprintf(w, "%s  %s\t%s\n", title, names, usage)
		title = ""
	}
}
