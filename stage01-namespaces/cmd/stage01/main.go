// Command stage01 runs a command in namespaces of its own.
package main

import (
	"fmt"
	"os"
	"strconv"

	namespaces "cooper/stage01-namespaces"

	"github.com/urfave/cli/v2"
)

func main() {
	namespaces.Init(namespaces.Inside)
	var explain namespaces.ExplainFlag
	flags := []cli.Flag{
		&cli.GenericFlag{Name: "explain", Value: &explain, Usage: "tell of each step as it begins; --explain=json for programs"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal of its own"},
		&cli.BoolFlag{Name: "init", Usage: "keep an init as PID 1 that reaps orphans and forwards signals"},
		&cli.StringFlag{Name: "hostname", Value: "container", Usage: "the host `NAME` inside"},
		&cli.StringSliceFlag{Name: "ns", Usage: "which namespaces are new", Value: cli.NewStringSlice("mount", "pid", "uts", "ipc", "net", "cgroup", "time")},
		&cli.BoolFlag{Name: "userns", Usage: "a user namespace too, in which the caller is root; needs no root outside"},
	}
	app := &cli.App{
		Name: "stage01", Usage: "a process with its own view of the machine", HideHelpCommand: true,
		Commands: []*cli.Command{
			{Name: "run", Usage: "run a command in new namespaces", ArgsUsage: "COMMAND [ARG...]", Flags: flags,
				Action: func(c *cli.Context) error { return launch(specFor(c, c.Args().Slice()), explain) }},
			{Name: "exec", Usage: "run a command in the namespaces of a process", ArgsUsage: "PID COMMAND [ARG...]", Flags: flags[:2],
				Action: func(c *cli.Context) error {
					target, err := strconv.Atoi(c.Args().First())
					if err != nil {
						return fmt.Errorf("%q is not a pid", c.Args().First())
					}
					return launch(&namespaces.Spec{Args: c.Args().Tail(), Env: os.Environ(), Terminal: c.Bool("tty"), Target: target}, explain)
				}},
			{Name: "plan", Usage: "print the steps without taking them", ArgsUsage: "COMMAND [ARG...]", Flags: flags,
				Action: func(c *cli.Context) error {
					spec := specFor(c, c.Args().Slice())
					namespaces.Plan(os.Stdout, namespaces.Outside(spec, &namespaces.Process{}), namespaces.Inside(spec))
					return nil
				}},
		},
	}
	if err := app.Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "stage01:", err)
		os.Exit(namespaces.ExitCode(err))
	}
}

// specFor reads the flags into a Spec.
func specFor(c *cli.Context, args []string) *namespaces.Spec {
	spec := &namespaces.Spec{
		ID: namespaces.NewID(), Args: args, Env: os.Environ(),
		Terminal: c.Bool("tty"), Init: c.Bool("init"), Hostname: c.String("hostname"),
	}
	for _, kind := range c.StringSlice("ns") {
		spec.Namespaces = append(spec.Namespaces, namespaces.Namespace{Kind: namespaces.ParseKind(kind)})
	}
	if c.Bool("userns") {
		spec.RunAsRootOf(os.Getuid(), os.Getgid())
	}
	return spec
}

func launch(spec *namespaces.Spec, explain namespaces.ExplainFlag) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	spec.Explain = explain != ""
	p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Watch: explain.Watch(os.Stderr)}
	code, err := namespaces.Foreground(p, namespaces.Outside(spec, p))
	if err == nil {
		os.Exit(code)
	}
	return err
}
