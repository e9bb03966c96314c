package main

import (
	"fmt"

	"cooper/stage06-network/trace"

	"github.com/urfave/cli/v2"
)

func traceCommand() *cli.Command {
	return &cli.Command{
		Name: "trace", Usage: "show where a packet goes that a container sends", ArgsUsage: "PID HOST[:PORT]",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "udp", Usage: "send a UDP datagram"}},
		Action: func(c *cli.Context) error {
			host, port, err := trace.ParseTarget(c.Args().Get(1))
			if err != nil {
				return err
			}
			pid := c.Args().First()
			probe := trace.Probe{Container: pid, NetNS: fmt.Sprintf("/proc/%s/ns/net", pid), Root: fmt.Sprintf("/proc/%s/root", pid), Host: host, Port: port}
			if c.Bool("udp") {
				probe.Protocol = "udp"
			}
			report, err := trace.Run(c.Context, probe)
			if err != nil {
				return err
			}
			if err := report.Print(c.App.Writer); err != nil || report.Result == trace.Answered {
				return err
			}
			return cli.Exit("", 1)
		},
	}
}
