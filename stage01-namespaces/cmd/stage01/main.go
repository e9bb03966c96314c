// Command stage01 runs a command in namespaces of its own.
package main

import (
	"errors"
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
		&cli.BoolFlag{Name: "subids", Usage: "and with it the ids that /etc/subuid and /etc/subgid lend the caller"},
	}
	launch := func(spec *namespaces.Spec) error {
		spec.Explain = explain != ""
		p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Watch: explain.Watch(os.Stderr)}
		code, err := namespaces.Foreground(p, namespaces.Outside(spec, p))
		if err == nil {
			os.Exit(code)
		}
		return err
	}
	plan := func(spec *namespaces.Spec) error {
		namespaces.Plan(os.Stdout, namespaces.Outside(spec, &namespaces.Process{}), namespaces.Inside(spec))
		return nil
	}
	app := &cli.App{Name: "stage01", Usage: "a process with its own view of the machine", HideHelpCommand: true, Commands: []*cli.Command{
		{Name: "run", Usage: "run a command in new namespaces", ArgsUsage: "COMMAND [ARG...]", Flags: flags, Action: with(isolated, launch)},
		{Name: "exec", Usage: "run a command in the namespaces of a process", ArgsUsage: "PID COMMAND [ARG...]", Flags: flags[:2], Action: with(joining, launch)},
		{Name: "plan", Usage: "print the steps without taking them", ArgsUsage: "COMMAND [ARG...]", Flags: flags, Action: with(isolated, plan)},
	}}
	if err := app.Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "stage01:", err)
		os.Exit(namespaces.ExitCode(err))
	}
}

// with reads the flags into a Spec for do.
func with(read func(*cli.Context, *namespaces.Spec) error, do func(*namespaces.Spec) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		spec := &namespaces.Spec{Args: c.Args().Slice(), Env: os.Environ(), Terminal: c.Bool("tty"), Init: c.Bool("init"), Hostname: c.String("hostname")}
		if err := errors.Join(read(c, spec), spec.Validate()); err != nil {
			return err
		}
		return do(spec)
	}
}

// isolated is a command in new namespaces.
func isolated(c *cli.Context, spec *namespaces.Spec) error {
	spec.ID = namespaces.NewID()
	for _, kind := range c.StringSlice("ns") {
		spec.Namespaces = append(spec.Namespaces, namespaces.Namespace{Kind: namespaces.ParseKind(kind)})
	}
	if c.Bool("userns") || c.Bool("subids") {
		spec.RunAsRootOf(os.Getuid(), os.Getgid())
	}
	if c.Bool("subids") {
		return spec.AddSubordinateIDs(os.Getuid())
	}
	return nil
}

// joining is a command in the namespaces of a process.
func joining(c *cli.Context, spec *namespaces.Spec) (err error) {
	spec.Args = c.Args().Tail()
	if spec.Target, err = strconv.Atoi(c.Args().First()); err != nil {
		err = fmt.Errorf("%q is not a pid", c.Args().First())
	}
	return err
}
