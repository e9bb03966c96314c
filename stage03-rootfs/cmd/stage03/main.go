// Command stage03 runs a command in a root filesystem of its own.
package main

import (
	"fmt"
	"os"

	namespaces "cooper/stage01-namespaces"
	rootfs "cooper/stage03-rootfs"

	"github.com/urfave/cli/v2"
)

func main() {
	namespaces.Init(rootfs.Inside)
	var explain namespaces.ExplainFlag
	flags := append(specFlags(), &cli.GenericFlag{Name: "explain", Value: &explain, Usage: "tell of each step as it begins; --explain=json for programs"})
	launch := func(spec *rootfs.Spec) error {
		spec.Explain = explain != ""
		p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Watch: explain.Watch(os.Stderr)}
		code, err := namespaces.Foreground(p, rootfs.Outside(spec, p))
		if err == nil {
			os.Exit(code)
		}
		return err
	}
	plan := func(spec *rootfs.Spec) error {
		namespaces.Plan(os.Stdout, rootfs.Outside(spec, &namespaces.Process{}), rootfs.Inside(spec))
		return nil
	}
	app := &cli.App{Name: "stage03", Usage: "a process with a root filesystem of its own", HideHelpCommand: true, Commands: []*cli.Command{
		{Name: "run", Usage: "run a command in a root", ArgsUsage: "COMMAND [ARG...]", Flags: flags, Action: with(launch)},
		{Name: "exec", Usage: "run a command in the container of a process", ArgsUsage: "PID COMMAND [ARG...]", Flags: joinFlags(flags), Action: joining(launch)},
		{Name: "plan", Usage: "print the steps without taking them", ArgsUsage: "COMMAND [ARG...]", Flags: flags, Action: with(plan)},
	}}
	if err := app.Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "stage03:", err)
		os.Exit(namespaces.ExitCode(err))
	}
}
