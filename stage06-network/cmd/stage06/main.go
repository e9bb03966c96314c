// Command stage06 runs a command in a container that has a network.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	namespaces "cooper/stage01-namespaces"
	images "cooper/stage05-images"
	network "cooper/stage06-network"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func main() {
	namespaces.Init(network.Inside)
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	if err := app().RunContext(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "stage06:", err)
		os.Exit(namespaces.ExitCode(err))
	}
}

func app() *cli.App {
	var explain namespaces.ExplainFlag
	flags := []cli.Flag{
		&cli.GenericFlag{Name: "explain", Value: &explain, Usage: "tell of each step as it begins; --explain=json for programs"},
		&cli.StringSliceFlag{Name: "publish", Aliases: []string{"p"}, Usage: "lead `[IP:]HOST:CONTAINER[/udp]` to the container"},
		&cli.StringSliceFlag{Name: "network", Value: cli.NewStringSlice("bridge"), Usage: "be on the network `NAME`, or on none, or on the host's"},
		&cli.StringSliceFlag{Name: "add-host", Usage: "know `NAME:ADDRESS` in /etc/hosts"},
		&cli.StringSliceFlag{Name: "dns", Usage: "ask the name server `ADDRESS`"},
		&cli.StringSliceFlag{Name: "cap-add", Usage: "give a `CAPABILITY`, or ALL"},
		&cli.StringFlag{Name: "hostname", Value: "container", Usage: "be `NAME` inside"},
		&cli.StringFlag{Name: "rootfs", Usage: "take the directory `DIR` in place of an image"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal of its own"},
	}
	const usage = "{IMAGE|--rootfs DIR} COMMAND [ARG...]"
	return &cli.App{
		Name: "stage06", Usage: "containers with a network", HideHelpCommand: true,
		Flags: []cli.Flag{&cli.StringFlag{Name: "root", Value: "/var/lib/cooper", Usage: "keep images, leases and containers in `DIR`"}},
		Commands: []*cli.Command{
			networkCommand(),
			traceCommand(),
			{Name: "run", Usage: "run a command in a container", ArgsUsage: usage, Flags: flags, Action: func(c *cli.Context) error {
				spec, store, err := prepare(c)
				if err != nil {
					return err
				}
				spec.Explain = explain != ""
				return run(spec, store, explain)
			}},
			{Name: "plan", Usage: "print run's steps without taking them", ArgsUsage: usage, Flags: flags, Action: func(c *cli.Context) error {
				spec, store, err := prepare(c)
				if err == nil {
					namespaces.Plan(os.Stdout, network.Outside(spec, &namespaces.Process{}, store), network.Inside(spec))
				}
				return err
			}},
		},
	}
}

// run holds the published ports while the container runs.
func run(spec *network.Spec, store *images.Store, explain namespaces.ExplainFlag) error {
	if store != nil { // or another process could remove the image meanwhile
		_, release, err := store.Use(string(spec.ImageID))
		if err != nil {
			return err
		}
		defer release()
	}
	proxy, err := network.Bind(spec)
	if err != nil {
		return err
	}
	p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Watch: explain.Watch(os.Stderr)}
	code, err := namespaces.Foreground(p, append(network.Outside(spec, p, store), proxy.Steps(spec)...))
	if removed := os.RemoveAll(containerDir(spec)); err == nil {
		err = removed
	}
	if err == nil {
		err = cli.Exit("", code)
	}
	return err
}
