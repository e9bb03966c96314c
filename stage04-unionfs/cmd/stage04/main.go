// Command stage04 runs a command on a stack of directories, and makes layers.
package main

import (
	"errors"
	"fmt"
	"os"

	namespaces "cooper/stage01-namespaces"
	rootfs "cooper/stage03-rootfs"
	unionfs "cooper/stage04-unionfs"

	"github.com/urfave/cli/v2"
)

func main() {
	namespaces.Init(inside)
	var explain namespaces.ExplainFlag
	flags := []cli.Flag{
		&cli.GenericFlag{Name: "explain", Value: &explain, Usage: "tell of each step as it begins; --explain=json for programs"},
		&cli.StringSliceFlag{Name: "lower", Required: true, Usage: "a read-only `DIR`; the first one is on top"},
		&cli.StringFlag{Name: "upper", Usage: "the `DIR` that takes the changes; without one they are thrown away"},
		&cli.StringFlag{Name: "work", Usage: "a `DIR` for overlayfs itself, beside the upper one"},
		&cli.BoolFlag{Name: "volatile", Usage: "what is written needn't reach the disk: faster, and lost with the machine"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal of its own"},
	}
	flags = append(flags, usernsFlags...)
	app := &cli.App{Name: "stage04", Usage: "a process on a stack of directories", HideHelpCommand: true, Commands: []*cli.Command{
		{Name: "run", Usage: "run a command on a stack", ArgsUsage: "COMMAND [ARG...]", Flags: flags, Action: func(c *cli.Context) error { return run(c, explain) }},
		{Name: "plan", Usage: "print the steps without taking them", ArgsUsage: "COMMAND [ARG...]", Flags: flags, Action: func(c *cli.Context) error {
			spec, err := specFor(c, "/run/stage04")
			if err == nil {
				namespaces.Plan(os.Stdout, unionfs.Outside(spec, &namespaces.Process{}), unionfs.Inside(spec))
			}
			return err
		}},
		{Name: "apply", Usage: "unpack a layer from stdin", ArgsUsage: "DIR", Flags: usernsFlags, Action: asRoot(apply)},
		{Name: "diff", Usage: "pack an upper directory as a layer, to stdout", ArgsUsage: "UPPER", Flags: usernsFlags, Action: asRoot(diff)},
		{Name: "changes", Usage: "list what an upper directory changes", ArgsUsage: "UPPER LOWER...", Flags: usernsFlags, Action: asRoot(changes)},
		{Name: "remove", Usage: "remove a layer or an upper directory, whoever the files in it belong to", ArgsUsage: "DIR", Flags: usernsFlags, Action: asRoot(remove)},
	}}
	if err := app.Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "stage04:", err)
		os.Exit(namespaces.ExitCode(err))
	}
}

// run gives the command a scratch directory, and removes it afterwards.
func run(c *cli.Context, explain namespaces.ExplainFlag) error {
	scratch, err := os.MkdirTemp("", "stage04-")
	if err != nil {
		return err
	}
	code := 0
	spec, err := specFor(c, scratch)
	if err == nil {
		p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Watch: explain.Watch(os.Stderr)}
		code, err = namespaces.Foreground(p, unionfs.Outside(spec, p))
	}
	if err == nil && spec.IsNew(namespaces.User) {
		err = elsewhere(spec.Base(), "remove", scratch) // some files in it may be those of lent ids
	}
	if err = errors.Join(err, unionfs.Remove(scratch)); err == nil {
		os.Exit(code)
	}
	return err
}

// specFor reads the flags into a Spec.
func specFor(c *cli.Context, scratch string) (*unionfs.Spec, error) {
	s := &unionfs.Spec{Spec: rootfs.Defaults(), Upper: c.String("upper"), Work: c.String("work"), Lower: c.StringSlice("lower")}
	s.ID, s.Args, s.Terminal, s.Explain, s.Hostname = namespaces.NewID(), c.Args().Slice(), c.Bool("tty"), c.IsSet("explain"), "container"
	s.Volatile = c.Bool("volatile")
	if err := s.RunAsCaller(c.Bool("userns"), c.Bool("subids")); err != nil {
		return nil, err
	}
	return s, errors.Join(s.Complete(scratch), s.Validate())
}
