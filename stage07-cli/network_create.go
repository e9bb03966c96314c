package cli

import (
	"fmt"

	"cooper/stage06-network"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func networkCreate() *urfave.Command {
	return &urfave.Command{
		Name: "create", Usage: "Make a network", ArgsUsage: "NAME",
		Description: "Nothing of it is on the host until a container comes. What isn't given is chosen: a\n" +
			"subnet that is in nobody's way, its first address for the gateway.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "driver", Aliases: []string{"d"}, Value: "bridge",
				Usage: "Join its containers by `driver`: bridge, or macvlan or ipvlan, on the host's own wire"},
			many("subnet", "Give its containers addresses of `subnet`, such as 10.7.0.0/16; once more for IPv6"),
			many("ip-range", "Of the subnet give them only those of `range`"),
			many("gateway", "Make `address` the gateway instead of the first one"),
			many("aux-address", "Keep an address for somebody else: `NAME=ADDRESS`"),
			toggle("ipv6", "Have IPv6 as well, with a subnet of its own unless one is given"),
			toggle("internal", "Let nothing out, and nothing in"),
			many("label", "Attach a label, `KEY=value`"),
			many("opt o", "Set an option of the driver, `KEY=VALUE`: com.docker.network.driver.mtu, parent, …"),
			toggle("attachable", "Accepted, without a meaning: any container may be connected"),
		},
		Action: takes(1, 1, func(c *urfave.Context) error {
			asked, err := newNetwork(c)
			if err != nil {
				return err
			}
			e, err := open(c)
			if err != nil {
				return err
			}
			made, err := e.CreateNetwork(asked)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.App.Writer, made.ID)
			return nil
		}),
	}
}

// newNetwork is what the line asks for.
func newNetwork(c *urfave.Context) (asked engine.Network, err error) {
	asked = engine.Network{
		Name: c.Args().First(), Driver: network.Driver(c.String("driver")), IPv6: c.Bool("ipv6"), Internal: c.Bool("internal"),
	}
	if asked.Labels, err = labels(c.StringSlice("label")); err != nil {
		return asked, &usageError{"", err.Error()}
	}
	if asked.Options, err = network.ParseOptions(c.StringSlice("opt")); err != nil {
		return asked, &usageError{"", err.Error()}
	}
	asked.Subnets, err = parseSubnets(listed(c.StringSlice("subnet")), listed(c.StringSlice("ip-range")), listed(c.StringSlice("gateway")), c.StringSlice("aux-address"))
	return asked, err
}
