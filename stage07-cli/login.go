package cli

import (
	"errors"
	"fmt"

	"cooper/stage05-images/registry"

	urfave "github.com/urfave/cli/v2"
)

func loginCommand() *urfave.Command {
	return &urfave.Command{
		Name: "login", Category: others,
		Usage:       "Log in at a registry",
		ArgsUsage:   "[HOST[:PORT]]",
		Description: "Without HOST it is Docker Hub. The login is stored where Docker's is, and podman looks too: in ~/.docker/config.json, or with the credential helper that is named there.",
		Flags: []urfave.Flag{
			text("username u", "Log in as `name`"),
			text("password p", "The `password`; ps shows it to everybody, so rather use --password-stdin"),
			toggle("password-stdin", "Read the password from standard input"),
			insecureFlag(),
		},
		Action: takes(0, 1, func(c *urfave.Context) error {
			host, err := registry.ServerHost(c.Args().First())
			if err != nil {
				return err
			}
			options, err := registry.Known(host, registry.Options{Insecure: c.Bool("insecure")})
			if err != nil {
				return err
			}
			if done, err := loginAgain(c, host, options); done || err != nil {
				return err
			}
			if options.Login, err = askLogin(c, host, options.Login.Username); err != nil {
				return err
			}
			return logIn(c, host, options)
		}),
	}
}

// loginAgain tries the login that is stored, where no other is given.
func loginAgain(c *urfave.Context, host string, options registry.Options) (done bool, err error) {
	if c.IsSet("username") || c.IsSet("password") || c.Bool("password-stdin") || options.Login == (registry.Login{}) {
		return false, nil
	}
	fmt.Fprintln(c.App.Writer, "Authenticating with existing credentials...")
	_, err = registry.LogIn(c.Context, host, options)
	if errors.Is(err, registry.ErrUnauthorized) {
		fmt.Fprintf(c.App.ErrWriter, "Login did not succeed, error: %s\n", cleanLines(err.Error()))
		return false, nil
	}
	if err == nil {
		fmt.Fprintln(c.App.Writer, "Login Succeeded")
	}
	return true, err
}

// logIn stores what the registry has accepted, and nothing else.
func logIn(c *urfave.Context, host string, options registry.Options) error {
	accepted, err := registry.LogIn(c.Context, host, options)
	if err != nil {
		return err
	}
	helper, path, err := registry.StoreLogin(host, accepted)
	if err != nil {
		return err
	}
	if helper == "" && accepted.IdentityToken == "" {
		fmt.Fprintf(c.App.ErrWriter, "WARNING! Your password will be stored unencrypted in %s.\n"+
			"Configure a credential helper to remove this warning. See\n"+
			"https://docs.docker.com/engine/reference/commandline/login/#credentials-store\n\n", clean(path))
	}
	fmt.Fprintln(c.App.Writer, "Login Succeeded")
	return nil
}
