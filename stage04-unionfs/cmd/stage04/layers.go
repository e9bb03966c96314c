package main

import (
	"fmt"
	"os"

	unionfs "cooper/stage04-unionfs"

	"github.com/urfave/cli/v2"
)

func apply(c *cli.Context) error {
	layer, err := unionfs.Decompress(os.Stdin)
	if err != nil {
		return err
	}
	return unionfs.Apply(c.Context, c.Args().First(), layer)
}

func diff(c *cli.Context) error { return unionfs.Diff(os.Stdout, c.Args().First()) }

func changes(c *cli.Context) error {
	list, err := unionfs.Changes(c.Args().First(), c.Args().Tail())
	for _, change := range list {
		fmt.Println(change)
	}
	return err
}

func remove(c *cli.Context) error { return unionfs.Remove(c.Args().First()) }
