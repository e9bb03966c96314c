package cli

import (
	"fmt"
	"strings"

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
	found := wanted == ""
	for _, p := range ports {
		inside := fmt.Sprintf("%d/%s", p.ContainerPort, p.Protocol)
		switch wanted {
		case "":
			fmt.Fprintf(c.App.Writer, "%s -> %s\n", inside, hostSide(p))
		case inside:
			found = true
			fmt.Fprintln(c.App.Writer, hostSide(p))
		}
	}
	if !found {
		return fmt.Errorf("port %s of %s isn't published", clean(wanted), clean(c.Args().First()))
	}
	return nil
}
