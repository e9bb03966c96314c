package cli

import (
	"fmt"

	"cooper/stage05-images"

	urfave "github.com/urfave/cli/v2"
)

func pushCommand() *urfave.Command {
	return &urfave.Command{
		Name: "push", Category: common,
		Usage:       "Send an image to its registry",
		ArgsUsage:   "NAME[:TAG]",
		Description: "The registry is the first part of the name: tag the image as HOST/NAME:TAG first.",
		Flags:       []urfave.Flag{toggle("quiet q", "Print only the digest"), insecureFlag()},
		Action: takes(1, 1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			options := images.PushOptions{Insecure: c.Bool("insecure")}
			if !c.Bool("quiet") {
				options.Progress = progress(c.App.Writer)
			}
			digest, err := images.Push(c.Context, e.Images(), c.Args().First(), options)
			if err == nil && c.Bool("quiet") {
				fmt.Fprintln(c.App.Writer, digest)
			}
			return err
		}),
	}
}
