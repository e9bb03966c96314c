package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"
)

func waitCommand() *urfave.Command {
	return &urfave.Command{
		Name: "wait", Category: others,
		Usage:     "Wait until containers have ended and print their exit statuses",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Action: takes(1, -1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			failed := 0
			for _, name := range c.Args().Slice() {
				code, err := e.Wait(c.Context, name)
				if err != nil {
					failed = max(failed, report(c.App.ErrWriter, err))
					continue
				}
				fmt.Fprintln(c.App.Writer, code)
			}
			return exitWith(failed)
		}),
	}
}
