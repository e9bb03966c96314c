package main

import (
	"encoding/json"
	"os"

	cgroups "cooper/stage02-cgroups"

	"github.com/urfave/cli/v2"
)

// groupCommands do something with the group of a container that runs, whose
// path they take: "cooper/ID".
func groupCommands(limits []cli.Flag) []*cli.Command {
	return []*cli.Command{
		{Name: "update", Usage: "change the limits of a running container", ArgsUsage: "GROUP", Flags: limits, Action: update},
		{Name: "stats", Usage: "print what a container has used", ArgsUsage: "GROUP", Action: stats},
	}
}

func update(c *cli.Context) error {
	limits, err := limitsFor(c)
	if err != nil {
		return err
	}
	group, err := cgroups.Open(c.Args().First())
	if err != nil {
		return err
	}
	return group.Update(limits)
}

func stats(c *cli.Context) error {
	group, err := cgroups.Open(c.Args().First())
	if err != nil {
		return err
	}
	used, err := group.Stats()
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(used)
}
