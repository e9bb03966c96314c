package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"cooper/stage07-cli/engine"

	units "github.com/docker/go-units"
	urfave "github.com/urfave/cli/v2"
)

func statsCommand() *urfave.Command {
	return &urfave.Command{
		Name: "stats", Category: others,
		Usage:     "Show what containers use, again every second",
		ArgsUsage: "[CONTAINER...]",
		Flags: []urfave.Flag{
			toggle("all a", "Also those that don't run"),
			toggle("no-stream", "Show it once"),
			toggle("no-trunc", "Show ids in full"),
			formatFlag(),
		},
		Action: takes(0, -1, showStats),
	}
}

// statsRound is the time over which the use of processors is measured.
const statsRound = time.Second

func showStats(c *urfave.Context) error {
	e, err := open(c)
	if err != nil {
		return err
	}
	round := time.NewTicker(statsRound)
	defer round.Stop()
	before, err := usages(c, e)
	if err != nil {
		return err
	}
	for {
		select {
		case <-c.Context.Done():
			return nil
		case <-round.C:
		}
		now, err := usages(c, e)
		if err != nil {
			return err
		}
		if err := printStats(c, now, before); err != nil || c.Bool("no-stream") {
			return err
		}
		before = now
	}
}

// usages reads the counters of the containers that are named, or of all.
func usages(c *urfave.Context, e *engine.Engine) ([]*engine.Usage, error) {
	names := c.Args().Slice()
	if len(names) == 0 {
		list, err := e.List(c.Bool("all"))
		if err != nil {
			return nil, err
		}
		for _, container := range list {
			names = append(names, container.ID)
		}
	}
	var all []*engine.Usage
	for _, name := range names {
		usage, err := e.Stats(name)
		if errors.Is(err, engine.ErrNotFound) && c.NArg() == 0 {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, usage)
	}
	return all, nil
}

func printStats(c *urfave.Context, now, before []*engine.Usage) error {
	rows := statsTable(now, before, c.Bool("no-trunc"))
	if c.Bool("no-stream") || !isTerminal(c.App.Writer) {
		return rows.print(c.App.Writer, c.String("format"))
	}
	return redraw(c.App.Writer, func(w io.Writer) error { return rows.print(w, c.String("format")) })
}

// redraw writes a page over the one before, without a moment in which the
// screen is empty: it goes to the corner, clears the rest of each line as it
// comes, and at the end what is below. See console_codes(4).
func redraw(w io.Writer, page func(io.Writer) error) error {
	var text strings.Builder
	if err := page(&text); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\x1b[H"+strings.ReplaceAll(text.String(), "\n", "\x1b[K\n")+"\x1b[J")
	return err
}

// statsTable has docker stats' columns, and its units: memory in powers of
// 1,024, what went over the network and to disks in powers of 1,000.
func statsTable(now, before []*engine.Usage, full bool) *table {
	t := &table{
		columns: []column{
			{"Container", "CONTAINER"}, {"ID", "CONTAINER ID"}, {"Name", "NAME"}, {"CPUPerc", "CPU %"},
			{"MemUsage", "MEM USAGE / LIMIT"}, {"MemPerc", "MEM %"}, {"NetIO", "NET I/O"},
			{"BlockIO", "BLOCK I/O"}, {"PIDs", "PIDS"},
		},
		usual: []string{"ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"},
	}
	for _, u := range now {
		id := u.ID
		if !full {
			id = short(id)
		}
		read, written := blockBytes(u)
		t.rows = append(t.rows, map[string]string{
			"Container": id, "ID": id, "Name": u.Name,
			"CPUPerc":  fmt.Sprintf("%.2f%%", u.CPUPercent(earlier(before, u))),
			"MemUsage": units.BytesSize(float64(u.Memory.Working())) + " / " + units.BytesSize(float64(u.MemoryLimit)),
			"MemPerc":  fmt.Sprintf("%.2f%%", u.MemoryPercent()),
			"NetIO":    decimal(u.Network.ReceivedBytes) + " / " + decimal(u.Network.SentBytes),
			"BlockIO":  decimal(read) + " / " + decimal(written),
			"PIDs":     fmt.Sprint(u.Pids.Current),
		})
	}
	return t
}

// earlier is the same container's usage one round ago; for one that is new,
// this round's own, which makes no difference.
func earlier(before []*engine.Usage, u *engine.Usage) *engine.Usage {
	for _, b := range before {
		if b.ID == u.ID && b.Running {
			return b
		}
	}
	return u
}

func blockBytes(u *engine.Usage) (read, written uint64) {
	for _, device := range u.IO {
		read += device.ReadBytes
		written += device.WriteBytes
	}
	return read, written
}

func decimal(bytes uint64) string { return units.HumanSizeWithPrecision(float64(bytes), 3) }
