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
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "`NAME=VALUE` for the environment"},
		&cli.StringSliceFlag{Name: "cap-add", Usage: "give a `CAPABILITY`, or ALL"},
		&cli.StringSliceFlag{Name: "cap-drop", Usage: "take a `CAPABILITY`, or ALL"},
		&cli.BoolFlag{Name: "no-new-privileges", Usage: "setuid programs stay what they are"},
		&cli.BoolFlag{Name: "privileged", Usage: "everything that this program may itself"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal of its own"},
		&cli.StringFlag{Name: "hostname", Value: "container", Usage: "the host `NAME` inside"},
		&cli.StringFlag{Name: "memory", Value: "0", Usage: "`BYTES` of memory: 64m"},
		&cli.Int64Flag{Name: "pids", Usage: "how many processes at one time"},
	}
	app := &cli.App{
		Name: "stage03", Usage: "a process with a root filesystem of its own", HideHelpCommand: true,
		Commands: []*cli.Command{
			{Name: "run", Usage: "run a command in a root", ArgsUsage: "COMMAND [ARG...]", Flags: flags, Action: func(c *cli.Context) error {
				spec, err := specFor(c)
				if err != nil {
					return err
				}
				spec.Explain = explain != ""
				p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Watch: explain.Watch(os.Stderr)}
				code, err := namespaces.Foreground(p, rootfs.Outside(spec, p))
				if err == nil {
					os.Exit(code)
				}
				return err
			}},
			{Name: "plan", Usage: "print the steps without taking them", ArgsUsage: "COMMAND [ARG...]", Flags: flags, Action: func(c *cli.Context) error {
				spec, err := specFor(c)
				if err == nil {
					namespaces.Plan(os.Stdout, rootfs.Outside(spec, &namespaces.Process{}), rootfs.Inside(spec))
				}
				return err
			}},
		},
	}
	if err := app.Run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "stage03:", err)
		os.Exit(namespaces.ExitCode(err))
	}
}

// specFor reads the flags into a Spec.
func specFor(c *cli.Context) (*rootfs.Spec, error) {
	s, errs := rootfs.Defaults(), [5]error{}
	s.ID, s.Args, s.Env = namespaces.NewID(), c.Args().Slice(), append(s.Env, c.StringSlice("env")...)
	s.Terminal, s.Hostname, s.User, s.Cwd = c.Bool("tty"), c.String("hostname"), c.String("user"), c.String("workdir")
	s.ReadonlyRootfs, s.Privileged, s.NoNewPrivileges = c.Bool("read-only"), c.Bool("privileged"), c.Bool("no-new-privileges")
	s.Rootfs, errs[0] = filepath.Abs(c.String("rootfs"))
	s.Limits.Pids = c.Int64("pids")
	s.Limits.Memory, errs[1] = cgroups.ParseBytes(c.String("memory"))
	mounts, err := rootfs.ParseMounts(c.StringSlice("volume"), nil, c.StringSlice("tmpfs"))
	s.Mounts, errs[2] = rootfs.AddMounts(s.Mounts, mounts), err
	held, err := rootfs.HeldCapabilities()
	errs[3] = err
	s.Capabilities, errs[4] = rootfs.AdjustCapabilities(s.Capabilities, held, c.StringSlice("cap-add"), c.StringSlice("cap-drop"))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return &s, s.Validate()
}
