package cli

import (
	"errors"
	"fmt"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func rmCommand() *urfave.Command {
	return &urfave.Command{
		Name: "rm", Category: common,
		Usage:     "Remove containers",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Flags: []urfave.Flag{
			toggle("force f", "Kill those that run; one that isn't there is no failure"),
			toggle("volumes v", "Also remove their volumes without a name"),
		},
		Action: takes(1, -1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			options := engine.RemoveOptions{Force: c.Bool("force"), Volumes: c.Bool("volumes")}
			failed := 0
			for _, name := range c.Args().Slice() {
				err := e.Remove(c.Context, name, options)
				switch {
				case err == nil:
					fmt.Fprintln(c.App.Writer, clean(name))
				case options.Force && errors.Is(err, engine.ErrNotFound):
					report(c.App.ErrWriter, err) // said, but what was wanted is so
				default:
					failed = max(failed, report(c.App.ErrWriter, err))
				}
			}
			return exitWith(failed)
		}),
	}
}
