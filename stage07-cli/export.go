package cli

import (
	urfave "github.com/urfave/cli/v2"
)

func exportCommand() *urfave.Command {
	return &urfave.Command{
		Name: "export", Category: others,
		Usage:     "Write all files of a container into a tar",
		ArgsUsage: "CONTAINER",
		Flags:     []urfave.Flag{outputFlag()},
		Action: takes(1, 1, func(c *urfave.Context) error {
			out, err := openOutput(c)
			if err != nil {
				return err
			}
			defer out.discard()
			e, err := open(c)
			if err != nil {
				return err
			}
			if err := e.Export(c.Context, c.Args().First(), out); err != nil {
				return err
			}
			return out.commit()
		}),
	}
}
