package cli

import (
	"time"

	urfave "github.com/urfave/cli/v2"
)

func stopCommand() *urfave.Command {
	return &urfave.Command{
		Name: "stop", Category: common,
		Usage:     "Ask containers to end, and kill those that don't",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Flags:     []urfave.Flag{number("time t", "Wait `seconds` before killing (the container's own, or 10, unless given)")},
		Action: takes(1, -1, func(c *urfave.Context) error {
			var timeout *time.Duration
			if c.IsSet("time") {
				seconds := time.Duration(c.Int("time")) * time.Second
				timeout = &seconds
			}
			e, err := open(c)
			if err != nil {
				return err
			}
			return eachName(c, func(name string) error { return e.Stop(c.Context, name, timeout) })
		}),
	}
}
