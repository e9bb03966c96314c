package cli

import (
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func startCommand() *urfave.Command {
	return &urfave.Command{
		Name: "start", Category: common,
		Usage:     "Start containers that were made or have ended",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Flags: []urfave.Flag{
			toggle("attach a", "Stay in front and show its output"),
			toggle("interactive i", "Stay in front and give it standard input"),
			detachFlag(),
			explainFlag(),
		},
		Action: takes(1, -1, startContainers),
	}
}

func startContainers(c *urfave.Context) error {
	e, err := open(c)
	if err != nil {
		return err
	}
	if c.Bool("attach") || c.Bool("interactive") {
		if c.NArg() > 1 {
			return &usageError{"", "only one container can be in front: name one, or leave out -a and -i"}
		}
		return startForeground(c, e, c.Args().First())
	}
	return eachName(c, func(name string) error {
		_, err := e.Start(c.Context, name, engine.StartOptions{Watch: watcher(c)})
		return err
	})
}

func startForeground(c *urfave.Context, e *engine.Engine, name string) error {
	container, err := e.Inspect(name)
	if err != nil {
		return err
	}
	front, err := newForeground(c, c.Bool("interactive") && container.Config.OpenStdin, container.Config.Tty)
	if err != nil {
		return err
	}
	defer front.leave()
	session, err := e.Start(c.Context, name, engine.StartOptions{Attach: &front.streams, Watch: watcher(c)})
	if err != nil {
		return failedToStart(err)
	}
	if session == nil { // it ran already
		return attachTo(c, e, name, front)
	}
	return front.wait(session)
}
