package cli

import (
	"errors"
	"fmt"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func runCommand() *urfave.Command {
	return &urfave.Command{
		Name: "run", Category: common,
		Usage:     "Make a container from an image and start a command in it",
		ArgsUsage: "IMAGE [COMMAND] [ARG...]",
		Flags: append(containerFlags(),
			toggle("detach d", "Run in the background and print the id"),
			detachFlag(), explainFlag()),
		Action: takes(1, -1, runContainer),
	}
}

func runContainer(c *urfave.Context) error {
	options, err := createOptions(c)
	if err != nil {
		return err
	}
	e, err := open(c)
	if err != nil {
		return failedToStart(err)
	}
	ids, err := newIDFile(c)
	if err != nil {
		return failedToStart(err)
	}
	defer ids.close()
	if c.Bool("detach") {
		return failedToStart(runDetached(c, e, options, ids))
	}
	// The foreground's input ends the container's: "echo hi | cooper run -i".
	options.StdinOnce = options.Stdin
	err = runForeground(c, e, options, ids)
	if missing(err) {
		if err = pullMissing(c, e, options.Image); err == nil {
			err = runForeground(c, e, options, ids)
		}
	}
	return failedToStart(err)
}

func runForeground(c *urfave.Context, e *engine.Engine, options engine.CreateOptions, ids *idFile) error {
	front, err := newForeground(c, options.Stdin, options.Terminal)
	if err != nil {
		return err
	}
	defer front.leave()
	session, err := e.Run(c.Context, options, engine.StartOptions{Attach: &front.streams, Watch: watcher(c), Made: ids.write})
	if err != nil {
		return err
	}
	return front.wait(session)
}

func runDetached(c *urfave.Context, e *engine.Engine, options engine.CreateOptions, ids *idFile) error {
	start := engine.StartOptions{Watch: watcher(c), Made: ids.write}
	session, err := e.Run(c.Context, options, start)
	if missing(err) {
		if err = pullMissing(c, e, options.Image); err == nil {
			session, err = e.Run(c.Context, options, start)
		}
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer, session.ID)
	return nil
}

// missing reports that the image has to be pulled first.
func missing(err error) bool { return errors.Is(err, engine.ErrNoImage) }
