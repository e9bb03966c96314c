package cli

import (
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func updateCommand() *urfave.Command {
	return &urfave.Command{
		Name: "update", Category: others,
		Usage:     "Change the limits of containers, of running ones at once",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Flags:     limitFlags(),
		Action:    takes(1, -1, updateContainers),
	}
}

func updateContainers(c *urfave.Context) error {
	change, err := parseLimits(c.String)
	if err != nil {
		return &usageError{"", err.Error()}
	}
	if isZero(change) {
		return &usageError{"", "you must provide one or more flags when using this command"}
	}
	return eachContainer(c, func(e *engine.Engine, name string) error { return e.Update(name, change) })
}
