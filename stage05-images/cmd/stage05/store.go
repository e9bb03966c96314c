package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	images "cooper/stage05-images"

	"github.com/docker/go-units"
	"github.com/urfave/cli/v2"
)

func pull(c *cli.Context, s *images.Store) error {
	img, err := fetch(c, s)
	if err == nil {
		fmt.Println(img.ID)
	}
	return err
}

// fetch leaves standard output to a container.
func fetch(c *cli.Context, s *images.Store) (*images.Image, error) {
	return images.Pull(c.Context, s, c.Args().First(), images.PullOptions{
		Platform: c.String("platform"), Progress: images.ShowProgress(os.Stderr),
	})
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

func save(c *cli.Context, s *images.Store) error {
	return s.Save(c.Context, os.Stdout, c.Args().Slice())
}

func load(c *cli.Context, s *images.Store) error {
	loaded, err := s.Load(c.Context, os.Stdin, images.ShowProgress(os.Stderr))
	for _, img := range loaded {
		fmt.Println(img.ID, strings.Join(img.Names, " "))
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
