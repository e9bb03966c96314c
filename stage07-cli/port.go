package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func portCommand() *urfave.Command {
	return &urfave.Command{
		Name: "port", Category: others,
		Usage:     "List a container's published ports, or where one of them is",
		ArgsUsage: "CONTAINER [PORT[/PROTOCOL]]",
		Action:    takes(1, 2, listPorts),
	}
}

func listPorts(c *urfave.Context) error {
	e, err := open(c)
	if err != nil {
		return err
	}
	ports, err := e.PublishedPorts(c.Args().First())
	if err != nil {
		return err
	}
	wanted := c.Args().Get(1)
	if wanted != "" && !strings.Contains(wanted, "/") {
		wanted += "/tcp"
	}
	slices.SortStableFunc(ports, func(a, b engine.Port) int { return cmp.Compare(a.ContainerPort, b.ContainerPort) })
	found := wanted == ""
	for _, p := range ports {
		inside := containerSide(p)
		for _, host := range engine.HostSides(p) {
			switch wanted {
			case "":
				fmt.Fprintf(c.App.Writer, "%s -> %s\n", inside, host)
			case inside:
				found = true
				fmt.Fprintln(c.App.Writer, host)
			}
		}
	}
	if !found {
		return fmt.Errorf("no public port '%s' published for %s", clean(wanted), clean(c.Args().First()))
	}
	return nil
}
