// Command stage05 runs a command in a container of an image.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	namespaces "cooper/stage01-namespaces"
	images "cooper/stage05-images"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func main() {
	namespaces.Init(images.Inside)
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	if err := app().RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "stage05:", err)
		os.Exit(namespaces.ExitCode(err))
	}
}

func app() *cli.App {
	var explain namespaces.ExplainFlag
	run := []cli.Flag{
		&cli.GenericFlag{Name: "explain", Value: &explain, Usage: "tell of each step as it begins; --explain=json for programs"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal of its own"},
		&cli.StringSliceFlag{Name: "env", Aliases: []string{"e"}, Usage: "set `KEY=VALUE` in the environment"},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "be `USER[:GROUP]` inside"},
		&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "begin in `DIR`"},
		&cli.StringFlag{Name: "entrypoint", Usage: "run `PROGRAM` in place of the image's entrypoint"},
	}
	return &cli.App{
		Name: "stage05", Usage: "containers of images", HideHelpCommand: true,
		Flags: []cli.Flag{&cli.StringFlag{Name: "store", Value: "/var/lib/cooper/images", Usage: "keep images in `DIR`"}},
		Commands: []*cli.Command{
			{Name: "pull", Usage: "bring an image from its registry", ArgsUsage: "IMAGE", Action: with(1, pull),
				Flags: []cli.Flag{&cli.StringFlag{Name: "platform", Usage: "take the image for `OS/ARCH`"}}},
			{Name: "push", Usage: "send an image to its registry", ArgsUsage: "IMAGE", Action: with(1, push)},
			{Name: "images", Usage: "list images", Action: with(0, list)},
			{Name: "tag", Usage: "give an image one more name", ArgsUsage: "IMAGE NAME", Action: with(2, func(c *cli.Context, s *images.Store) error {
				return s.Tag(c.Args().Get(0), c.Args().Get(1))
			})},
			{Name: "rmi", Usage: "remove an image, or one of its names", ArgsUsage: "IMAGE", Action: with(1, remove),
				Flags: []cli.Flag{&cli.BoolFlag{Name: "force", Aliases: []string{"f"}, Usage: "all of its names"}}},
			{Name: "bootstrap", Usage: "make base:latest out of this machine", Action: with(0, bootstrap)},
			{Name: "save", Usage: "write images to standard output, as one archive", ArgsUsage: "IMAGE...", Action: with(1, save)},
			{Name: "load", Usage: "bring the images of an archive on standard input", Action: with(0, load)},
			{Name: "serve", Usage: "be a registry of the images in a directory", ArgsUsage: "DIR", Action: serve, Flags: []cli.Flag{
				&cli.StringFlag{Name: "listen", Value: "127.0.0.1:5000", Usage: "wait for requests at `ADDRESS:PORT`"},
				&cli.BoolFlag{Name: "read-only", Usage: "let nobody push or delete"},
			}},
			{Name: "run", Usage: "run a command in a container of an image", ArgsUsage: "IMAGE [COMMAND [ARG...]]", Flags: run,
				Action: with(1, func(c *cli.Context, s *images.Store) error { return launch(c, s, explain) })},
			{Name: "plan", Usage: "print run's steps without taking them", ArgsUsage: "IMAGE [COMMAND [ARG...]]", Flags: run,
				Action: with(1, plan)},
		},
	}
}

// with opens the store for a command that needs at least so many arguments.
func with(arguments int, act func(*cli.Context, *images.Store) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.NArg() < arguments {
			return fmt.Errorf("%s needs %s; see stage05 %s --help", c.Command.Name, c.Command.ArgsUsage, c.Command.Name)
		}
		store, err := images.OpenStore(c.String("store"))
		if err != nil {
			return err
		}
		return act(c, store)
	}
}
