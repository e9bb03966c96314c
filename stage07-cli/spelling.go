package cli

import (
	"fmt"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// A line is a command line as it was understood.
//
// Docker's users write one option in many ways, and the library parses only
// some of them:
//
//	-it   -i -t   --interactive --tty      short flags stand together
//	-p8080:80   -p=8080:80   -p 8080:80    a value may be glued on
//	rm web -f   rm -f web                  options may come last
//	run IMAGE ls -l                        but never after the image
//
// So every line is first rewritten into the one spelling that can't be
// misread, --long=value, then "--", then the arguments:
//
//	run -itp 8080:80 -e A=1 debian ls -l
//	run --interactive --tty --publish=8080:80 --env=A=1 -- debian ls -l
//
// The road not taken is the library's own splitting of short flags: it guesses
// from the text of an error, and takes the value of "--name it" for a flag.
type line struct {
	args    []string        // the rewritten line, the program's name first
	path    string          // "cooper container run", for messages
	command *urfave.Command // the command that it names; nil for cooper itself
	help    bool            // --help was among the options
}

// spell reads the words that follow the program's name.
func spell(app *urfave.App, words []string) (*line, error) {
	l := &line{path: app.Name, args: []string{app.Name}}
	words, err := l.options(app.Flags, words, false)
	commands := app.Commands
	for err == nil && len(words) > 0 && !l.help {
		next := find(commands, words[0])
		if next == nil {
			return l, &usageError{l.path, fmt.Sprintf("unknown command: %s %s", l.path, clean(words[0]))}
		}
		l.command, l.path = next, l.path+" "+next.Name
		l.args = append(l.args, next.Name)
		commands = next.Subcommands
		leaf := len(commands) == 0
		words, err = l.options(next.Flags, words[1:], leaf && !endsAtArgument(next))
		if leaf {
			l.args = append(append(l.args, "--"), words...)
			return l, err
		}
	}
	return l, err
}

// endsAtArgument tells the commands whose last arguments are somebody else's
// command line: "run IMAGE ls -l" must leave -l alone. Their usage says so.
func endsAtArgument(command *urfave.Command) bool {
	return strings.HasSuffix(command.ArgsUsage, "[ARG...]") || strings.HasSuffix(command.ArgsUsage, "[-ef]")
}

func find(commands []*urfave.Command, name string) *urfave.Command {
	for _, command := range commands {
		if command.HasName(name) {
			return command
		}
	}
	return nil
}

// options moves the options at the front of words to the line and returns what
// is left: the arguments. With anywhere, options between and after the
// arguments are taken as well. A word "--" ends them.
func (l *line) options(flags []urfave.Flag, words []string, anywhere bool) (arguments []string, err error) {
	for len(words) > 0 && err == nil {
		word := words[0]
		switch {
		case word == "--":
			return append(arguments, words[1:]...), nil
		case strings.HasPrefix(word, "--"):
			words, err = l.long(flags, words)
		case strings.HasPrefix(word, "-") && word != "-":
			words, err = l.short(flags, words)
		case anywhere:
			arguments, words = append(arguments, word), words[1:]
		default:
			return words, nil
		}
	}
	return arguments, err
}

// long takes --name, --name=value or --name value.
func (l *line) long(flags []urfave.Flag, words []string) ([]string, error) {
	name, value, given := strings.Cut(words[0][2:], "=")
	flag := lookup(flags, name)
	switch {
	case flag == nil:
		return nil, &usageError{l.path, "unknown flag: --" + clean(name) + instead(name)}
	case given:
		return words[1:], l.set(flag, value)
	case !takesValue(flag):
		l.toggle(flag)
		return words[1:], nil
	case len(words) == 1:
		return nil, &usageError{l.path, "flag needs a value: --" + name}
	}
	return words[2:], l.set(flag, words[1])
}

// short takes -i, -it, -p value, -pvalue or -itpvalue.
func (l *line) short(flags []urfave.Flag, words []string) ([]string, error) {
	cluster := words[0][1:]
	for i, letter := range cluster {
		flag := lookup(flags, string(letter))
		if flag == nil {
			return nil, &usageError{l.path, fmt.Sprintf("unknown flag: -%s in %s", clean(string(letter)), clean(words[0]))}
		}
		if !takesValue(flag) {
			l.toggle(flag)
			continue
		}
		if value := cluster[i+len(string(letter)):]; value != "" {
			return words[1:], l.set(flag, strings.TrimPrefix(value, "="))
		}
		if len(words) == 1 {
			return nil, &usageError{l.path, fmt.Sprintf("flag needs a value: -%c", letter)}
		}
		return words[2:], l.set(flag, words[1])
	}
	return words[1:], nil
}

func (l *line) toggle(flag urfave.Flag) {
	if flag.Names()[0] == "help" {
		l.help = true
		return
	}
	l.args = append(l.args, "--"+flag.Names()[0])
}

// set writes one flag in the long form. A value that the flag's kind can't
// hold is refused here, where the message can name the flag.
func (l *line) set(flag urfave.Flag, value string) error {
	var err error
	switch flag.(type) {
	case *urfave.BoolFlag:
		_, err = strconv.ParseBool(value)
	case *urfave.IntFlag:
		_, err = strconv.Atoi(value)
	}
	name := flag.Names()[0]
	if err != nil {
		return &usageError{l.path, fmt.Sprintf("%q is no value for --%s", value, name)}
	}
	l.args = append(l.args, "--"+name+"="+value)
	return nil
}

func lookup(flags []urfave.Flag, name string) urfave.Flag {
	for _, flag := range flags {
		for _, known := range flag.Names() {
			if known == name {
				return flag
			}
		}
	}
	return nil
}

// takesValue reports whether a flag must be given a value. --explain may be
// given one and is the exception that IsBoolFlag marks, as in package flag.
func takesValue(flag urfave.Flag) bool {
	if generic, ok := flag.(*urfave.GenericFlag); ok {
		if optional, ok := generic.Value.(interface{ IsBoolFlag() bool }); ok && optional.IsBoolFlag() {
			return false
		}
	}
	documented, ok := flag.(urfave.DocGenerationFlag)
	return ok && documented.TakesValue()
}

// instead says what to do without a flag of Docker's that there isn't.
func instead(name string) string {
	if name == "link" {
		return ": put both containers on a network that you have made, where they find each other by name"
	}
	return ""
}
