package cli

import (
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func networkConnect() *urfave.Command {
	return &urfave.Command{
		Name: "connect", Usage: "Put a container on one more network, whether it runs or not", ArgsUsage: "NETWORK CONTAINER",
		Flags: []urfave.Flag{
			text("ip", "Have the IPv4 `address` there"),
			text("ip6", "Have the IPv6 `address` there"),
			many("alias", "Be found there by one more `name`"),
			text("gw-priority", "Go out by this network if its `number` is the highest of all (0 unless given)"),
		},
		Action: takes(2, 2, func(c *urfave.Context) error {
			place := engine.Endpoint{Network: c.Args().Get(0), Aliases: listed(c.StringSlice("alias"))}
			for _, key := range []string{"ip", "ip6", "gw-priority"} {
				if !c.IsSet(key) {
					continue
				}
				if err := setPlace(&place, key, c.String(key)); err != nil {
					return &usageError{"", err.Error()}
				}
			}
			e, err := open(c)
			if err != nil {
				return err
			}
			return e.Connect(c.Args().Get(1), place)
		}),
	}
}

func networkDisconnect() *urfave.Command {
	return &urfave.Command{
		Name: "disconnect", Usage: "Take a container off a network, whether it runs or not", ArgsUsage: "NETWORK CONTAINER",
		Flags: []urfave.Flag{toggle("force f", "Also one of which there is nothing left but its place there")},
		Action: takes(2, 2, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			return e.Disconnect(c.Args().Get(1), c.Args().Get(0), c.Bool("force"))
		}),
	}
}
