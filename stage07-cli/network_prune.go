package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"
)

func networkPrune() *urfave.Command {
	return &urfave.Command{
		Name: "prune", Usage: "Remove all networks that no container is on",
		Flags: []urfave.Flag{
			toggle("force f", "Don't ask"),
			many("filter", "Only what meets a `condition`: label, label! or until, as KEY=VALUE"),
		},
		Action: takes(0, 0, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			filter, err := e.NetworkPruneFilter(c.StringSlice("filter"))
			if err != nil {
				return err
			}
			if !c.Bool("force") && !agreed(c, "This will remove all custom networks not used by at least one container.") {
				return nil
			}
			removed, err := e.PruneNetworks(filter)
			if len(removed) > 0 {
				fmt.Fprintln(c.App.Writer, "Deleted Networks:")
				for _, name := range removed {
					fmt.Fprintln(c.App.Writer, name)
				}
				fmt.Fprintln(c.App.Writer)
			}
			return err
		}),
	}
}
