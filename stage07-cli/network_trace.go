package cli

import (
	"encoding/json"
	"fmt"
	"time"

	nettrace "cooper/stage06-network/trace"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func networkTrace() *urfave.Command {
	return &urfave.Command{
		Name: "trace", Usage: "Show where a packet of a container's goes, rule by rule, and what stops it", ArgsUsage: "CONTAINER HOST[:PORT]",
		Description: "Sends one packet: with a port the first one of a TCP connection, without one an ICMP echo. Exits with 0 if it was answered, else with 1.",
		Flags: []urfave.Flag{
			toggle("udp u", "Send a UDP datagram instead"),
			number("timeout", "Wait `seconds` for an answer (3 unless given)"),
			toggle("json", "Print the report as JSON"),
		},
		Action: takes(2, 2, tracePacket),
	}
}

func tracePacket(c *urfave.Context) error {
	host, port, err := nettrace.ParseTarget(c.Args().Get(1))
	if err != nil {
		return &usageError{"", err.Error()}
	}
	o := engine.TraceOptions{Host: host, Port: port, Timeout: time.Duration(c.Int("timeout")) * time.Second}
	if c.Bool("udp") {
		o.Protocol = "udp"
	}
	e, err := open(c)
	if err != nil {
		return err
	}
	report, err := e.Trace(c.Context, c.Args().First(), o)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintln(c.App.Writer, string(text))
	} else if err := report.Print(c.App.Writer); err != nil {
		return err
	}
	if report.Result != nettrace.Answered {
		return exitWith(1)
	}
	return nil
}
