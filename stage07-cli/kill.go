package cli

import urfave "github.com/urfave/cli/v2"

func killCommand() *urfave.Command {
	return &urfave.Command{
		Name: "kill", Category: others,
		Usage:     "Send a signal to containers",
		ArgsUsage: "CONTAINER [CONTAINER...]",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "signal", Aliases: []string{"s"}, Value: "KILL", Usage: "Send `signal`, a name or a number"},
		},
		Action: takes(1, -1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			return eachName(c, func(name string) error { return e.Kill(c.Context, name, c.String("signal")) })
		}),
	}
}
