package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"
)

func diffCommand() *urfave.Command {
	return &urfave.Command{
		Name: "diff", Category: others,
		Usage:       "List the files that a container has added, changed and deleted",
		ArgsUsage:   "CONTAINER",
		Description: "A is added, C changed, D deleted, as against the image.",
		Action:      takes(1, 1, listChanges),
	}
}

func listChanges(c *urfave.Context) error {
	e, err := open(c)
	if err != nil {
		return err
	}
	changes, err := e.Diff(c.Args().First())
	if err != nil {
		return err
	}
	for _, change := range changes {
		fmt.Fprintln(c.App.Writer, change.Kind, clean(change.Path))
	}
	return nil
}
