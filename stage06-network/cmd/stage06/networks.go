package main

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"text/tabwriter"

	network "cooper/stage06-network"

	"github.com/urfave/cli/v2"
)

// networks are those of the state directory.
func networks(c *cli.Context) (network.Networks, error) {
	root, err := filepath.Abs(c.String("root"))
	return network.Networks{Dir: filepath.Join(root, "networks"), Table: network.TableFor(root)}, err
}

func networkCommand() *cli.Command {
	return &cli.Command{Name: "network", Usage: "make, list and remove networks", Subcommands: []*cli.Command{
		{Name: "create", Usage: "make a network", ArgsUsage: "NAME", Action: create, Flags: []cli.Flag{
			&cli.StringFlag{Name: "driver", Aliases: []string{"d"}, Value: "bridge", Usage: "bridge, macvlan or ipvlan"},
			&cli.StringSliceFlag{Name: "subnet", Usage: "give its containers addresses of `PREFIX`"},
			&cli.BoolFlag{Name: "internal", Usage: "let nothing out or in"},
			&cli.BoolFlag{Name: "ipv6", Usage: "give addresses of IPv6, too"},
			&cli.StringSliceFlag{Name: "opt", Aliases: []string{"o"}, Usage: "set the driver's option `KEY=VALUE`"},
		}},
		{Name: "ls", Usage: "list the networks", Action: list},
		{Name: "rm", Usage: "remove a network", ArgsUsage: "NAME", Action: func(c *cli.Context) error {
			all, err := networks(c)
			if err != nil {
				return err
			}
			return all.Remove(c.Args().First())
		}},
	}}
}

func create(c *cli.Context) error {
	all, err := networks(c)
	if err != nil {
		return err
	}
	asked := network.Definition{Name: c.Args().First(), Driver: network.Driver(c.String("driver")), Internal: c.Bool("internal"), IPv6: c.Bool("ipv6")}
	if asked.Options, err = network.ParseOptions(c.StringSlice("opt")); err != nil {
		return err
	}
	for _, flag := range c.StringSlice("subnet") {
		prefix, err := netip.ParsePrefix(flag)
		if err != nil {
			return fmt.Errorf("subnet %q: write an address and a length, such as 10.9.0.0/24", flag)
		}
		asked.Subnets = append(asked.Subnets, network.Subnet{Prefix: prefix})
	}
	made, err := all.Create(asked)
	if err == nil {
		fmt.Fprintln(c.App.Writer, made.ID)
	}
	return err
}

func list(c *cli.Context) error {
	all, err := networks(c)
	if err != nil {
		return err
	}
	defined, err := all.List()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	for _, d := range defined {
		fmt.Fprintf(table, "%s\t%s\t%s\t", d.Name, d.Driver, d.Link)
		for _, subnet := range d.Subnets {
			fmt.Fprintf(table, "%s ", subnet.Prefix)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}
