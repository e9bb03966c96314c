package main

import (
	"errors"
	"fmt"
	"os"
	"text/tabwriter"

	images "cooper/stage05-images"

	"github.com/docker/go-units"
	"github.com/urfave/cli/v2"
)

func pull(c *cli.Context, s *images.Store) error {
	img, err := images.Pull(c.Context, s, c.Args().First(), images.PullOptions{
		Platform: c.String("platform"), Progress: images.ShowProgress(os.Stderr),
	})
	if err == nil {
		fmt.Println(img.ID)
	}
	return err
}

func push(c *cli.Context, s *images.Store) error {
	_, err := images.Push(c.Context, s, c.Args().First(), images.PushOptions{Progress: images.ShowProgress(os.Stderr)})
	return err
}

func bootstrap(c *cli.Context, s *images.Store) error {
	img, err := images.Bootstrap(c.Context, s, "base:latest")
	if err == nil {
		fmt.Println(img.ID)
	}
	return err
}

func list(_ *cli.Context, s *images.Store) error {
	all, broken := s.List()
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(out, "NAME\tIMAGE ID\tLAYERS\tSIZE")
	for _, img := range all {
		for _, name := range append(img.Names, "<none>")[:max(1, len(img.Names))] {
			fmt.Fprintf(out, "%s\t%s\t%d\t%s\n", name, images.ShortID(img.ID), len(img.Manifest.Layers), units.HumanSize(float64(img.Size)))
		}
	}
	return errors.Join(out.Flush(), broken)
}

func remove(c *cli.Context, s *images.Store) error {
	done, err := s.Remove(c.Args().First(), c.Bool("force"))
	for _, name := range done.Untagged {
		fmt.Println("Untagged:", name)
	}
	for _, digest := range done.Deleted {
		fmt.Println("Deleted:", digest)
	}
	return err
}
