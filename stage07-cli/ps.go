package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cooper/stage07-cli/engine"

	units "github.com/docker/go-units"
	urfave "github.com/urfave/cli/v2"
)

func psCommand() *urfave.Command {
	return &urfave.Command{
		Name: "ps", Category: common,
		Usage: "List containers",
		Flags: []urfave.Flag{
			toggle("all a", "Also those that don't run"),
			toggle("quiet q", "Only the ids"),
			filterFlag("expose, id, label, name, network, publish or status"),
			toggle("no-trunc", "Show ids and commands in full"),
			formatFlag(),
		},
		Action: takes(0, 0, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			filter, err := e.ContainerFilter(c.StringSlice("filter"))
			if err != nil {
				return err
			}
			list, err := e.List(c.Bool("all") || filter.ListsAll())
			if err != nil {
				return err
			}
			list = slices.DeleteFunc(list, func(s engine.Summary) bool { return !filter.Chooses(&s) })
			warnCorrupt(c.App.ErrWriter, list)
			rows := containerTable(list, time.Now(), c.Bool("no-trunc"))
			return rows.printOrIDs(c)
		}),
	}
}

// warnCorrupt says what is wrong with a container whose files can't be read:
// the list goes on without it.
func warnCorrupt(w io.Writer, list []engine.Summary) {
	for _, s := range list {
		if s.Problem != "" {
			fmt.Fprintf(w, "cooper: container %s: %s; 'cooper rm -f %s' removes it\n",
				clean(short(s.ID)), clean(s.Problem), clean(short(s.ID)))
		}
	}
}

func containerTable(list []engine.Summary, now time.Time, full bool) *table {
	t := &table{
		columns: []column{
			{"ID", "CONTAINER ID"}, {"Image", "IMAGE"}, {"Command", "COMMAND"}, {"RunningFor", "CREATED"},
			{"CreatedAt", "CREATED AT"}, {"Status", "STATUS"}, {"State", "STATE"}, {"Ports", "PORTS"},
			{"Names", "NAMES"}, {"Labels", "LABELS"}, {"Mounts", "MOUNTS"}, {"Networks", "NETWORKS"},
		},
		usual: []string{"ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"},
	}
	for _, s := range list {
		id, command := s.ID, s.Command
		if !full {
			id, command = short(s.ID), ellipsis(s.Command, 20)
		}
		t.rows = append(t.rows, map[string]string{
			"ID":         id,
			"Image":      s.Image,
			"Command":    strconv.Quote(command),
			"RunningFor": ago(now, s.Created),
			"CreatedAt":  s.Created.Format("2006-01-02 15:04:05 -0700 MST"),
			"Status":     s.Status,
			"State":      s.State,
			"Ports":      portList(s.Ports, s.Exposed),
			"Names":      s.Name,
			"Labels":     labelList(s.Labels),
			"Mounts":     strings.Join(s.Mounts, ","),
			"Networks":   strings.Join(s.Networks, ","),
		})
	}
	return t
}

// printOrIDs prints the table, or with --quiet the column of ids.
func (t *table) printOrIDs(c *urfave.Context) error {
	format := c.String("format")
	if c.Bool("quiet") && format == "" {
		format = "{{.ID}}"
	}
	return t.print(c.App.Writer, format)
}

// short is an id as people read it.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	return id[:min(12, len(id))]
}

func ellipsis(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	return string(runes[:width-1]) + "…"
}

func ago(now, then time.Time) string {
	if then.IsZero() {
		return "N/A"
	}
	return units.HumanDuration(max(0, now.Sub(then))) + " ago"
}

func labelList(labels map[string]string) string {
	list := make([]string, 0, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		list = append(list, key+"="+labels[key])
	}
	return strings.Join(list, ",")
}
