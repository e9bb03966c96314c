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
		Flags: []urfave.Flag{
			toggle("quiet q", "Print only the name"),
			toggle("all-tags a", "Send every image that has the name NAME"),
			insecureFlag(),
		},
		Action: takes(1, 1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			options := images.PushOptions{Insecure: c.Bool("insecure")}
			if !c.Bool("quiet") {
				options.Progress = progress(c.App.Writer)
			}
			pushed, err := pushNamed(c, e.Images(), options)
			if err != nil || !c.Bool("quiet") {
				return err
			}
			for _, name := range pushed {
				fmt.Fprintln(c.App.Writer, name)
			}
			return nil
		}),
	}
}

// pushNamed pushes one image or all of a name, and returns the names in full.
func pushNamed(c *urfave.Context, s *images.Store, options images.PushOptions) ([]string, error) {
	given := c.Args().First()
	if c.Bool("all-tags") {
		name, err := repositoryName(given)
		if err != nil {
			return nil, err
		}
		return images.PushAll(c.Context, s, name, options)
	}
	ref, err := images.ParseName(given)
	if err != nil {
		return nil, err
	}
	if !isTagged(given) && !c.Bool("quiet") {
		fmt.Fprintln(c.App.Writer, "Using default tag: latest")
	}
	_, err = images.Push(c.Context, s, given, options)
	return []string{ref.String()}, err
}
