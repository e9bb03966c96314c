// Command stage03 runs a command in a root filesystem of its own.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"
	rootfs "cooper/stage03-rootfs"

	"github.com/urfave/cli/v2"
)

func main() {
	namespaces.Init(rootfs.Inside)
	var explain namespaces.ExplainFlag
	flags := []cli.Flag{
		&cli.GenericFlag{Name: "explain", Value: &explain, Usage: "tell of each step as it begins; --explain=json for programs"},
		&cli.StringFlag{Name: "rootfs", Required: true, Usage: "the `DIR` that becomes /"},
		&cli.BoolFlag{Name: "read-only", Usage: "nothing in the root can be changed"},
		&cli.StringSliceFlag{Name: "volume", Aliases: []string{"v"}, Usage: "`SOURCE:DESTINATION[:ro]`: show a directory or file of the host"},
		&cli.StringSliceFlag{Name: "tmpfs", Usage: "`DESTINATION[:size=…]`: a directory in memory"},
		&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "the working `DIR` inside"},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "`NAME|UID[:GROUP|GID]`, of the root's own /etc/passwd"},
		&cli.StringSliceFlag{Name: "cap-add", Usage: "give a `CAPABILITY`, or ALL"},
		&cli.StringSliceFlag{Name: "cap-drop", Usage: "take a `CAPABILITY`, or ALL"},
		&cli.BoolFlag{Name: "no-new-privileges", Usage: "setuid programs stay what they are"},
		&cli.BoolFlag{Name: "privileged", Usage: "everything that this program may itself"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal of its own"},
		&cli.StringFlag{Name: "hostname", Value: "container", Usage: "the host `NAME` inside"},
		&cli.StringFlag{Name: "memory", Value: "0", Usage: "`BYTES` of memory: 64m"},
		&cli.Int64Flag{Name: "pids", Usage: "how many processes at one time"},
	}
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
		{Name: "plan", Usage: "print the steps without taking them", ArgsUsage: "COMMAND [ARG...]", Flags: flags, Action: with(plan)},
	}}
	if err := app.Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "stage03:", err)
		os.Exit(namespaces.ExitCode(err))
	}
}

// with reads the flags into a Spec for do.
func with(do func(*rootfs.Spec) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		s := rootfs.Defaults()
		s.ID, s.Args, s.Terminal, s.Hostname = namespaces.NewID(), c.Args().Slice(), c.Bool("tty"), c.String("hostname")
		s.User, s.Cwd, s.ReadonlyRootfs = c.String("user"), c.String("workdir"), c.Bool("read-only")
		s.Privileged, s.NoNewPrivileges, s.Limits.Pids = c.Bool("privileged"), c.Bool("no-new-privileges"), c.Int64("pids")
		root, err1 := filepath.Abs(c.String("rootfs"))
		memory, err2 := cgroups.ParseBytes(c.String("memory"))
		mounts, err3 := rootfs.ParseMounts(c.StringSlice("volume"), nil, c.StringSlice("tmpfs"))
		held, err4 := rootfs.HeldCapabilities()
		capabilities, err5 := rootfs.AdjustCapabilities(s.Capabilities, held, c.StringSlice("cap-add"), c.StringSlice("cap-drop"))
		s.Rootfs, s.Limits.Memory, s.Mounts, s.Capabilities = root, memory, rootfs.AddMounts(s.Mounts, mounts), capabilities
		if err := errors.Join(err1, err2, err3, err4, err5, s.Validate()); err != nil {
			return err
		}
		return do(&s)
	}
}
