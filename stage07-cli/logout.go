package cli

import (
	"fmt"

	"cooper/stage05-images/registry"

	urfave "github.com/urfave/cli/v2"
)

func logoutCommand() *urfave.Command {
	return &urfave.Command{
		Name: "logout", Category: others,
		Usage:       "Forget the login at a registry",
		ArgsUsage:   "[HOST[:PORT]]",
		Description: "Without HOST it is Docker Hub.",
		Action: takes(0, 1, func(c *urfave.Context) error {
			host, err := registry.ServerHost(c.Args().First())
			if err != nil {
				return err
			}
			found, err := registry.EraseLogin(host)
			if err != nil {
				return err
			}
			message := "Not logged in to %s\n"
			if found {
				message = "Removing login credentials for %s\n"
			}
			fmt.Fprintf(c.App.Writer, message, host)
			return nil
		}),
	}
}
