package cli

import (
	"cmp"
	"slices"
	"strconv"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func networkList() *urfave.Command {
	return &urfave.Command{
		Name: "ls", Aliases: []string{"list"}, Usage: "List networks",
		Flags: []urfave.Flag{
			toggle("quiet q", "Only the ids"),
			toggle("no-trunc", "Show ids in full"),
			filterFlag("dangling, driver, id, label, name, scope or type"),
			formatFlag(),
		},
		Action: takes(0, 0, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			filter, err := e.NetworkFilter(c.StringSlice("filter"))
			if err != nil {
				return err
			}
			chosen, err := chooseNetworks(e, filter)
			if err != nil {
				return err
			}
			return networkTable(chosen, c.Bool("no-trunc")).printOrIDs(c)
		}),
	}
}

func chooseNetworks(e *engine.Engine, filter *engine.NetworkFilter) (chosen []*engine.Network, err error) {
	list, err := e.Networks()
	if err != nil {
		return nil, err
	}
	for _, network := range list {
		is, err := filter.Chooses(network)
		if err != nil {
			return nil, err
		}
		if is {
			chosen = append(chosen, network)
		}
	}
	slices.SortFunc(chosen, func(a, b *engine.Network) int { return cmp.Compare(a.Name, b.Name) })
	return chosen, nil
}

func networkTable(list []*engine.Network, full bool) *table {
	t := &table{
		columns: []column{
			{"ID", "NETWORK ID"}, {"Name", "NAME"}, {"Driver", "DRIVER"}, {"Scope", "SCOPE"}, {"IPv4", "IPV4"}, {"IPv6", "IPV6"},
			{"Internal", "INTERNAL"}, {"Labels", "LABELS"}, {"CreatedAt", "CREATED AT"},
		},
		usual: []string{"ID", "Name", "Driver", "Scope"},
	}
	for _, network := range list {
		id := network.ID
		if !full {
			id = short(id)
		}
		t.rows = append(t.rows, map[string]string{
			"ID": id, "Name": network.Name, "Driver": string(network.Driver), "Scope": "local",
			"IPv4": "true", "IPv6": strconv.FormatBool(network.IPv6), "Internal": strconv.FormatBool(network.Internal),
			"Labels": labelList(network.Labels), "CreatedAt": network.Created.Format("2006-01-02 15:04:05.999999999 -0700 MST"),
		})
	}
	return t
}
