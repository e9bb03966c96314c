package cli

import (
	"fmt"

	units "github.com/docker/go-units"
	urfave "github.com/urfave/cli/v2"
)

func imagePruneCommand() *urfave.Command {
	return &urfave.Command{
		Name:  "prune",
		Usage: "Remove the images that have lost their names, with -a all that no container uses",
		Flags: []urfave.Flag{
			toggle("all a", "Also images with names"),
			toggle("force f", "Don't ask"),
			many("filter", "Only what meets a `condition`: label, label! or until, as KEY=VALUE"),
		},
		Action: takes(0, 0, func(c *urfave.Context) error {
			warning := "This will remove all dangling images."
			if c.Bool("all") {
				warning = "This will remove all images without at least one container associated to them."
			}
			e, err := open(c)
			if err != nil {
				return err
			}
			filter, err := imageFilter(e, c, nil)
			if err != nil {
				return err
			}
			if !c.Bool("force") && !agreed(c, warning) {
				return nil
			}
			done, err := e.PruneImages(c.Bool("all"), filter)
			if len(done.Report) > 0 {
				fmt.Fprintln(c.App.Writer, "Deleted Images:")
				for _, line := range done.Report {
					fmt.Fprintln(c.App.Writer, clean(line))
				}
				fmt.Fprintln(c.App.Writer)
			}
			fmt.Fprintf(c.App.Writer, "Total reclaimed space: %s\n", units.HumanSizeWithPrecision(float64(done.Bytes), 4))
			return err
		}),
	}
}
