package cli

import (
	"fmt"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func commitCommand() *urfave.Command {
	return &urfave.Command{
		Name: "commit", Category: others,
		Usage:     "Make an image of what a container has changed",
		ArgsUsage: "CONTAINER [NAME[:TAG]]",
		Flags: []urfave.Flag{
			text("author a", "Note `name` as the author"),
			text("message m", "Note `text` as the comment"),
			changeFlag(),
			&urfave.BoolFlag{Name: "pause", Aliases: []string{"p"}, Value: true, Usage: "Freeze the container meanwhile; --pause=false doesn't"},
		},
		Action: takes(1, 2, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			id, err := e.Commit(c.Context, c.Args().First(), engine.CommitOptions{
				Name:    c.Args().Get(1),
				Author:  c.String("author"),
				Comment: c.String("message"),
				Changes: c.StringSlice("change"),
				NoPause: !c.Bool("pause"),
			})
			if err != nil {
				return err
			}
			fmt.Fprintln(c.App.Writer, id)
			return nil
		}),
	}
}
