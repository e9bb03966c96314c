package cli

import (
	"io"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func exportCommand() *urfave.Command {
	return &urfave.Command{
		Name: "export", Category: others,
		Usage:     "Write all files of a container into a tar",
		ArgsUsage: "CONTAINER",
		Flags:     []urfave.Flag{outputFlag()},
		Action: takes(1, 1, func(c *urfave.Context) error {
			return intoOutput(c, func(e *engine.Engine, out io.Writer) error {
				return e.Export(c.Context, c.Args().First(), out)
			})
		}),
	}
}
