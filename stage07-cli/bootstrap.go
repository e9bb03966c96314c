package cli

import (
	"fmt"

	"cooper/stage05-images"

	urfave "github.com/urfave/cli/v2"
)

func bootstrapCommand() *urfave.Command {
	return &urfave.Command{
		Name:      "bootstrap",
		Usage:     "Make the image base:latest from this machine's own tools, where no registry is in reach",
		ArgsUsage: "[NAME[:TAG]]",
		Action: takes(0, 1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			name := c.Args().First()
			if name == "" {
				name = "base:latest"
			}
			if _, err := images.Bootstrap(c.Context, e.Images(), name); err != nil {
				return err
			}
			fmt.Fprintln(c.App.Writer, name)
			return nil
		}),
	}
}
