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
		&cli.StringSliceFlag{Name: "network", Usage: "be on the network `NAME`, or on none, or on the host's; without root by pasta or slirp4netns (default: bridge, or whichever of the two there is)"},
		&cli.StringSliceFlag{Name: "add-host", Usage: "know `NAME:ADDRESS` in /etc/hosts"},
		&cli.StringSliceFlag{Name: "dns", Usage: "ask the name server `ADDRESS`"},
		&cli.StringSliceFlag{Name: "cap-add", Usage: "give a `CAPABILITY`, or ALL"},
		&cli.StringFlag{Name: "hostname", Value: "container", Usage: "be `NAME` inside"},
		&cli.StringFlag{Name: "rootfs", Usage: "take the directory `DIR` in place of an image"},
		&cli.BoolFlag{Name: "userns", Usage: "a user namespace too, in which the caller is root; without root always"},
		&cli.BoolFlag{Name: "subids", Usage: "and with it the ids that /etc/subuid and /etc/subgid lend the caller"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal of its own"},
	}
	const usage = "{IMAGE|--rootfs DIR} COMMAND [ARG...]"
	return &cli.App{
		Name: "stage06", Usage: "containers with a network", HideHelpCommand: true,
		Flags: []cli.Flag{&cli.StringFlag{Name: "root", Value: stateDir(), Usage: "keep images, leases and containers in `DIR`"}},
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
	p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Watch: explain.Watch(os.Stderr)}
	outside, err := published(spec, network.Outside(spec, p, store))
	if err != nil {
		return err
	}
	code, err := namespaces.Foreground(p, outside)
	if removed := os.RemoveAll(containerDir(spec)); err == nil {
		err = removed
	}
	if err == nil {
		err = cli.Exit("", code)
	}
	return err
}

// published takes the ports, and adds a proxy for them to the steps unless they
// are another program's.
func published(spec *network.Spec, outside []namespaces.Step) ([]namespaces.Step, error) {
	if spec.Network.Mode != network.Plugged {
		return outside, network.Reserve(spec)
	}
	proxy, err := network.Bind(spec)
	if err != nil {
		return nil, err
	}
	return append(outside, proxy.Steps(spec)...), nil
}
