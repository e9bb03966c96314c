// Command stage02 runs a command within limits.
package main

import (
	"fmt"
	"os"

	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"

	"github.com/urfave/cli/v2"
)

func main() {
	namespaces.Init(cgroups.Inside)
	var explain namespaces.ExplainFlag
	limits := limitFlags()
	flags := append([]cli.Flag{
		&cli.GenericFlag{Name: "explain", Value: &explain, Usage: "tell of each step as it begins; --explain=json for programs"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal of its own"},
		&cli.StringFlag{Name: "cgroup-manager", Value: cgroups.Cgroupfs, Usage: "who makes the group, `DRIVER`: systemd where it runs, or cgroupfs"},
		&cli.BoolFlag{Name: "userns", Usage: "a user namespace too, in which the caller is root; without root always"},
		&cli.BoolFlag{Name: "subids", Usage: "and with it the ids that /etc/subuid and /etc/subgid lend the caller"},
		&cli.StringSliceFlag{Name: "device-cgroup-rule", Usage: "allow a device beside the standard ones, by a `RULE`: c 10:229 rwm"},
	}, limits...)
	launch := func(spec *cgroups.Spec) error {
		spec.Explain = explain != ""
		p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Watch: explain.Watch(os.Stderr)}
		code, err := namespaces.Foreground(p, cgroups.Outside(spec, p))
		if err == nil {
			os.Exit(code)
		}
		return err
	}
	app := &cli.App{
		Name: "stage02", Usage: "a process within limits", HideHelpCommand: true,
		Commands: append([]*cli.Command{
			{Name: "run", Usage: "run a command within limits", ArgsUsage: "COMMAND [ARG...]", Flags: flags,
				Action: func(c *cli.Context) error {
					spec, err := specFor(c)
					if err != nil {
						return err
					}
					return launch(spec)
				}},
			{Name: "exec", Usage: "run a command in the container of a process", ArgsUsage: "PID COMMAND [ARG...]", Flags: flags[:2],
				Action: func(c *cli.Context) error {
					spec, err := joining(c)
					if err != nil {
						return err
					}
					return launch(spec)
				}},
			{Name: "plan", Usage: "print the steps without taking them", ArgsUsage: "COMMAND [ARG...]", Flags: flags,
				Action: func(c *cli.Context) error {
					spec, err := specFor(c)
					if err == nil {
						namespaces.Plan(os.Stdout, cgroups.Outside(spec, &namespaces.Process{}), cgroups.Inside(spec))
					}
					return err
				}},
		}, groupCommands(limits)...),
	}
	if err := app.Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "stage02:", err)
		os.Exit(namespaces.ExitCode(err))
	}
}
