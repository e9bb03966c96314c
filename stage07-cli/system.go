package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"
)

func systemGroup() *urfave.Command {
	return group("system", "Look after the engine itself", cleanupCommand(), dfCommand(), doctorCommand(), infoCommand())
}

func cleanupCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "cleanup",
		Usage: "Remove what was left behind by something that was killed; containers and images stay",
		Action: takes(0, 0, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			removed, err := e.Cleanup(c.Context)
			for _, what := range removed {
				fmt.Fprintln(c.App.Writer, clean(what))
			}
			return err
		}),
	}
}
