package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"
)

func createCommand() *urfave.Command {
	return &urfave.Command{
		Name: "create", Category: others,
		Usage:     "Make a container without starting it",
		ArgsUsage: "IMAGE [COMMAND] [ARG...]",
		Flags:     containerFlags(),
		Action:    takes(1, -1, createContainer),
	}
}

func createContainer(c *urfave.Context) error {
	options, err := createOptions(c)
	if err != nil {
		return err
	}
	e, err := open(c)
	if err != nil {
		return err
	}
	ids, err := newIDFile(c)
	if err != nil {
		return failedToStart(err)
	}
	defer ids.close()
	id, err := e.Create(c.Context, options)
	if missing(err) {
		if err = pullMissing(c, e, options.Image); err == nil {
			id, err = e.Create(c.Context, options)
		}
	}
	if err != nil {
		return err
	}
	if err := ids.write(id); err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer, id)
	return nil
}
