package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	urfave "github.com/urfave/cli/v2"
)

// Where the state is kept unless --root and --run, or the variables
// COOPER_ROOT and COOPER_RUN, say otherwise.
const (
	defaultRoot = "/var/lib/cooper" // survives a reboot
	defaultRun  = "/run/cooper"     // sockets; gone after a reboot
)

// Main is the command "cooper": it reads the line, does what it says, prints
// what went wrong, and returns the exit status.
func Main(ctx context.Context, words []string, stdin *os.File, stdout, stderr io.Writer) int {
	tellOfWaits(stderr)
	app := newApp(stdin, stdout, stderr)
	if completing(words) {
		return report(stderr, app.RunContext(ctx, append([]string{app.Name}, words...)))
	}
	l, err := spell(app, words)
	if err == nil {
		err = run(ctx, app, l)
	}
	if slices.Contains(l.args, "--debug") {
		trace(stderr, err)
	}
	return report(stderr, err)
}

// run does what the line says. An error about the line is told which command
// it is about.
func run(ctx context.Context, app *urfave.App, l *line) error {
	if l.help || l.command != nil && len(l.command.Subcommands) > 0 {
		return printHelp(app.Writer, app, l)
	}
	err := app.RunContext(ctx, l.args)
	var usage *usageError
	if errors.As(err, &usage) && usage.path == "" {
		usage.path = l.path
	}
	return err
}

// newApp builds the tree of commands anew on every call: the library keeps the
// values of the flags in it.
func newApp(stdin *os.File, stdout, stderr io.Writer) *urfave.App {
	app := &urfave.App{
		Name:   "cooper",
		Usage:  "A container engine in seven stages, to use and to read",
		Reader: stdin, Writer: stdout, ErrWriter: stderr,
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "root", Value: defaultRoot, EnvVars: []string{"COOPER_ROOT"},
				Usage: "Keep containers, images and volumes in `dir`; COOPER_ROOT does the same"},
			&urfave.StringFlag{Name: "run", Value: defaultRun, EnvVars: []string{"COOPER_RUN"},
				Usage: "Keep sockets in `dir`; COOPER_RUN does the same"},
			&urfave.StringFlag{Name: "cgroup-manager", DefaultText: "systemd where it runs",
				Usage: "Have cgroups made by `driver`, systemd or cgroupfs"},
			toggle("debug D", "Tell more when something goes wrong"),
			toggle("version v", "Print the version"),
		},
		Commands:                  commands(),
		HideHelp:                  true, // printHelp shows it in the form that people know
		HideVersion:               true,
		EnableBashCompletion:      true,
		DisableSliceFlagSeparator: true, // -e A=1,2 is one variable
		ExitErrHandler:            func(*urfave.Context, error) {},
		Action: func(c *urfave.Context) error {
			if c.Bool("version") {
				return printVersion(c, "")
			}
			return printHelp(c.App.Writer, c.App, &line{path: c.App.Name})
		},
	}
	app.Flags = append(app.Flags, helpFlag())
	finish(app.Commands)
	return app
}

// commands is the table of contents of the command line. The groups come
// last, because they hold the same commands under longer names, as Docker has
// them: "cooper ps" is "cooper container ls".
func commands() []*urfave.Command {
	return []*urfave.Command{
		runCommand(), execCommand(), psCommand(), pullCommand(), pushCommand(), imagesCommand(), logsCommand(),
		startCommand(), stopCommand(), rmCommand(),
		createCommand(), attachCommand(), killCommand(), waitCommand(), inspectCommand(), diffCommand(), portCommand(),
		topCommand(), statsCommand(), updateCommand(), pauseCommand(), unpauseCommand(),
		cpCommand(), commitCommand(), tagCommand(), rmiCommand(), saveCommand(), loadCommand(), importCommand(), exportCommand(), historyCommand(),
		loginCommand(), logoutCommand(), searchCommand(),
		planCommand(), doctorCommand(), infoCommand(), versionCommand(), completionCommand(), helpCommand(),
		containerGroup(), imageGroup(), networkGroup(), volumeGroup(), registryGroup(), systemGroup(),
	}
}

func containerGroup() *urfave.Command {
	return group("container", "Work with containers",
		runCommand(), createCommand(), startCommand(), execCommand(), attachCommand(), logsCommand(),
		renamed(psCommand(), "ls", "list", "ps"), stopCommand(), killCommand(), waitCommand(), renamed(rmCommand(), "rm", "remove"),
		inspectOnly("container"), diffCommand(), portCommand(), topCommand(), statsCommand(), updateCommand(),
		pauseCommand(), unpauseCommand(), cpCommand(), commitCommand(), exportCommand())
}

func imageGroup() *urfave.Command {
	return group("image", "Work with images",
		bootstrapCommand(), pullCommand(), pushCommand(), renamed(imagesCommand(), "ls", "list"), tagCommand(), saveCommand(), loadCommand(), importCommand(), historyCommand(),
		renamed(rmiCommand(), "rm", "remove"), inspectOnly("image"), imageCheckCommand(), imagePruneCommand())
}

func group(name, usage string, members ...*urfave.Command) *urfave.Command {
	for _, member := range members {
		member.Category = ""
	}
	return &urfave.Command{Name: name, Usage: usage, Category: management, Subcommands: members}
}

func renamed(command *urfave.Command, name string, aliases ...string) *urfave.Command {
	command.Name, command.Aliases = name, aliases
	return command
}

// finish gives every command what all have in common.
func finish(commands []*urfave.Command) {
	for _, command := range commands {
		command.HideHelp = true
		command.HideHelpCommand = true
		command.OnUsageError = func(_ *urfave.Context, err error, _ bool) error {
			return &usageError{"", err.Error()}
		}
		command.Flags = append(command.Flags, helpFlag())
		if command.BashComplete == nil && len(command.Subcommands) == 0 {
			command.BashComplete = complete
		}
		finish(command.Subcommands)
	}
}

func helpFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "help", Usage: "Show this help", Hidden: true}
}

// takes is an action that needs between least and most arguments; most < 0 is
// no limit.
func takes(least, most int, action urfave.ActionFunc) urfave.ActionFunc {
	return func(c *urfave.Context) error {
		given := c.NArg()
		if given >= least && (most < 0 || given <= most) {
			return action(c)
		}
		want := fmt.Sprintf("%d to %d arguments", least, most)
		switch {
		case most < 0:
			want = "at least " + arguments(least)
		case least == most:
			want = arguments(least)
		}
		return &usageError{"", fmt.Sprintf("%s takes %s, not %d", c.Command.Name, want, given)}
	}
}

func arguments(n int) string {
	switch n {
	case 0:
		return "no arguments"
	case 1:
		return "one argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// completing reports whether a shell asks how a line could go on.
func completing(words []string) bool {
	return len(words) > 0 && words[len(words)-1] == "--generate-bash-completion" && !slices.Contains(words, "--")
}
