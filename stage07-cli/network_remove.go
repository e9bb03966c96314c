package cli

import (
	"errors"
	"fmt"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func networkRemove() *urfave.Command {
	return &urfave.Command{
		Name: "rm", Aliases: []string{"remove"}, Usage: "Remove networks that no container is on", ArgsUsage: "NETWORK [NETWORK...]",
		Flags: []urfave.Flag{toggle("force f", "Say nothing of networks that aren't there")},
		Action: takes(1, -1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			failed := 0
			for _, name := range c.Args().Slice() {
				err := e.RemoveNetwork(name)
				switch {
				case err == nil:
					fmt.Fprintln(c.App.Writer, clean(name))
				case c.Bool("force") && errors.Is(err, engine.ErrNotFound): // what was wanted is so
				default:
					failed = max(failed, report(c.App.ErrWriter, err))
				}
			}
			return exitWith(failed)
		}),
	}
}
