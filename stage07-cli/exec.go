package cli

import (
	"errors"
	"os"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func execCommand() *urfave.Command {
	return &urfave.Command{
		Name: "exec", Category: common,
		Usage:     "Run one more command in a running container",
		ArgsUsage: "CONTAINER COMMAND [ARG...]",
		Flags: []urfave.Flag{
			toggle("interactive i", "Keep standard input open"),
			toggle("tty t", "Give the command a terminal"),
			toggle("detach d", "Leave it in the background"),
			text("user u", "Run as `user`, a name or a number, or user:group"),
			text("workdir w", "Start in `directory` of the container"),
			many("env e", "Set an environment variable, `NAME=value`; NAME alone takes the value from here"),
			many("env-file", "Read environment variables from `file`"),
			toggle("privileged", "Give it every capability"),
			detachFlag(),
			explainFlag(),
		},
		Action: takes(2, -1, execInContainer),
	}
}

func execInContainer(c *urfave.Context) error {
	env, err := environment(c.StringSlice("env-file"), c.StringSlice("env"), os.LookupEnv)
	if err = errors.Join(err, checkWorkdir(c.String("workdir"))); err != nil {
		return &usageError{"", err.Error()}
	}
	e, err := open(c)
	if err != nil {
		return err
	}
	options := engine.ExecOptions{
		Args:       c.Args().Tail(),
		Env:        env,
		User:       c.String("user"),
		Cwd:        c.String("workdir"),
		Terminal:   c.Bool("tty"),
		Stdin:      c.Bool("interactive"),
		Privileged: c.Bool("privileged"),
		Detach:     c.Bool("detach"),
		Watch:      watcher(c),
	}
	if options.Detach {
		_, err := e.Exec(c.Context, c.Args().First(), options)
		return execFailed(err)
	}
	front, err := newForeground(c, options.Stdin, options.Terminal)
	if err != nil {
		return err
	}
	defer front.leave()
	options.Attach = &front.streams
	session, err := e.Exec(c.Context, c.Args().First(), options)
	if err != nil {
		return execFailed(err)
	}
	return front.wait(session)
}

// execFailed keeps 126 and 127 for a command that couldn't be run. Whatever
// else goes wrong is a 1, as Docker's exec has it.
func execFailed(err error) error {
	if code := engine.ExitCode(err); code == 126 || code == 127 {
		return &exitError{code, err}
	}
	return err
}
