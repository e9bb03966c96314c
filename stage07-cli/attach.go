package cli

import (
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func attachCommand() *urfave.Command {
	return &urfave.Command{
		Name: "attach", Category: others,
		Usage:     "Join the streams of a running container; ctrl-p ctrl-q leaves it running",
		ArgsUsage: "CONTAINER",
		Flags:     []urfave.Flag{toggle("no-stdin", "Only watch"), detachFlag()},
		Action:    takes(1, 1, attachContainer),
	}
}

func attachContainer(c *urfave.Context) error {
	e, err := open(c)
	if err != nil {
		return err
	}
	name := c.Args().First()
	container, err := e.Inspect(name)
	if err != nil {
		return err
	}
	stdin := container.Config.OpenStdin && !c.Bool("no-stdin")
	front, err := newForeground(c, stdin, container.Config.Tty)
	if err != nil {
		return err
	}
	defer front.leave()
	return attachTo(c, e, name, front)
}

func attachTo(c *urfave.Context, e *engine.Engine, name string, front *foreground) error {
	session, err := e.Attach(c.Context, name, front.streams)
	if err != nil {
		return err
	}
	return front.wait(session)
}
