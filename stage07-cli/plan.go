package cli

import (
	"cooper/stage01-namespaces"

	urfave "github.com/urfave/cli/v2"
)

func planCommand() *urfave.Command {
	return &urfave.Command{
		Name: "plan", Category: others,
		Usage:     "List the steps that run would take, without taking one",
		ArgsUsage: "IMAGE [COMMAND] [ARG...]",
		Flags:     containerFlags(),
		Action: takes(1, -1, func(c *urfave.Context) error {
			options, err := createOptions(c)
			if err != nil {
				return err
			}
			e, err := open(c)
			if err != nil {
				return err
			}
			outside, inside, err := e.Plan(c.Context, options)
			if err != nil {
				return err
			}
			namespaces.Plan(c.App.Writer, outside, inside)
			return nil
		}),
	}
}
