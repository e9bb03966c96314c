package cli

import urfave "github.com/urfave/cli/v2"

func tagCommand() *urfave.Command {
	return &urfave.Command{
		Name: "tag", Category: others,
		Usage:     "Give an image one more name",
		ArgsUsage: "IMAGE NAME[:TAG]",
		Action: takes(2, 2, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			return e.Images().Tag(c.Args().Get(0), c.Args().Get(1))
		}),
	}
}
