package main

import (
	"errors"
	"fmt"
	"os"

	images "cooper/stage05-images"
	"cooper/stage05-images/server"

	"github.com/urfave/cli/v2"
)

// serve makes a directory a registry, for the programs of this machine, until
// it is told to end.
func serve(c *cli.Context) error {
	if c.NArg() != 1 {
		return fmt.Errorf("serve needs %s; see stage05 serve --help", c.Command.ArgsUsage)
	}
	registry, err := images.OpenRegistry(c.Args().First(), c.Bool("read-only"))
	if err != nil {
		return err
	}
	listener, err := server.Listen(c.String("listen"), false)
	if err != nil {
		return errors.Join(err, registry.Close())
	}
	fmt.Printf("serving %s at http://%s\n", registry.Dir(), listener.Addr())
	handler := &server.Handler{Registry: registry, Fault: func(err error) { fmt.Fprintln(os.Stderr, "stage05:", err) }}
	return handler.Serve(c.Context, listener, nil)
}
