package cli

import (
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func pauseCommand() *urfave.Command {
	return &urfave.Command{
		Name: "pause", Category: others,
		Usage:     "Stop all processes of containers where they are",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Action:    takes(1, -1, func(c *urfave.Context) error { return eachContainer(c, (*engine.Engine).Pause) }),
	}
}

func unpauseCommand() *urfave.Command {
	return &urfave.Command{
		Name: "unpause", Category: others,
		Usage:     "Let the processes of paused containers go on",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Action:    takes(1, -1, func(c *urfave.Context) error { return eachContainer(c, (*engine.Engine).Unpause) }),
	}
}

func eachContainer(c *urfave.Context, do func(*engine.Engine, string) error) error {
	e, err := open(c)
	if err != nil {
		return err
	}
	return eachName(c, func(name string) error { return do(e, name) })
}
