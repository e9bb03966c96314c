package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"
)

func rmiCommand() *urfave.Command {
	return &urfave.Command{
		Name: "rmi", Category: others,
		Usage:     "Remove images",
		ArgsUsage: "IMAGE [IMAGE...]",
		Flags: []urfave.Flag{
			toggle("force f", "Also where a stopped container uses it, or several names"),
			toggle("no-prune", "Keep the images below; they are never removed with it"),
		},
		Action: takes(1, -1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			failed := 0
			for _, name := range c.Args().Slice() {
				lines, err := e.RemoveImage(c.Context, name, c.Bool("force"))
				for _, line := range lines {
					fmt.Fprintln(c.App.Writer, clean(line))
				}
				if err != nil {
					failed = max(failed, report(c.App.ErrWriter, err))
				}
			}
			return exitWith(failed)
		}),
	}
}
