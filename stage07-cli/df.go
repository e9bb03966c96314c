package cli

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"cooper/stage07-cli/engine"

	units "github.com/docker/go-units"
	urfave "github.com/urfave/cli/v2"
)

func dfCommand() *urfave.Command {
	return &urfave.Command{
		Name: "df", Usage: "Tell what images, containers and volumes take of the disk",
		Description: "An image takes what its layers unpack to. A layer that several images share is on\n" +
			"the disk once, and only that once in the sum.",
		Flags: []urfave.Flag{toggle("verbose v", "Tell it of each one"), formatFlag()},
		Action: takes(0, 0, func(c *urfave.Context) error {
			if c.Bool("verbose") && c.String("format") != "" {
				return &usageError{"", "the verbose and the format options conflict"}
			}
			e, err := open(c)
			if err != nil {
				return err
			}
			usage, err := e.DiskUsage()
			if err != nil {
				return err
			}
			if c.Bool("verbose") {
				return printUsage(c.App.Writer, usage, time.Now())
			}
			return usageTable(usage).print(c.App.Writer, c.String("format"))
		}),
	}
}

// usageTable has a row for each kind of thing. There is no build cache: a
// build's steps are images.
func usageTable(u *engine.DiskUsage) *table {
	t := &table{
		columns: []column{{"Type", "TYPE"}, {"TotalCount", "TOTAL"}, {"Active", "ACTIVE"}, {"Size", "SIZE"}, {"Reclaimable", "RECLAIMABLE"}},
		usual:   []string{"Type", "TotalCount", "Active", "Size", "Reclaimable"},
	}
	row := func(kind string, total, active int, size, idle int64) {
		t.rows = append(t.rows, map[string]string{
			"Type": kind, "TotalCount": strconv.Itoa(total), "Active": strconv.Itoa(active),
			"Size": bytesOf(size), "Reclaimable": reclaimable(idle, size),
		})
	}
	active := 0
	for _, img := range u.Images {
		active += min(img.Containers, 1)
	}
	row("Images", len(u.Images), active, u.Layers, u.Idle)
	active, size, idle := 0, int64(0), int64(0)
	for _, c := range u.Containers {
		size += c.Size
		if c.State == "running" || c.State == "paused" {
			active++
		} else {
			idle += c.Size
		}
	}
	row("Containers", len(u.Containers), active, size, idle)
	active, size, idle = 0, 0, 0
	for _, v := range u.Volumes {
		size += v.Size
		if v.Links > 0 {
			active++
		} else {
			idle += v.Size
		}
	}
	row("Local Volumes", len(u.Volumes), active, size, idle)
	row("Build Cache", 0, 0, 0, 0)
	return t
}

func bytesOf(n int64) string { return units.HumanSizeWithPrecision(float64(n), 4) }

func reclaimable(idle, size int64) string {
	if size == 0 {
		return bytesOf(idle)
	}
	return fmt.Sprintf("%s (%d%%)", bytesOf(idle), idle*100/size)
}

// printUsage writes a table for each kind.
func printUsage(w io.Writer, u *engine.DiskUsage, now time.Time) error {
	for _, part := range []struct {
		title string
		rows  *table
	}{
		{"Images space usage:", imageUsageTable(u.Images, now)},
		{"Containers space usage:", containerUsageTable(u.Containers, now)},
		{"Local Volumes space usage:", volumeUsageTable(u.Volumes)},
	} {
		fmt.Fprintf(w, "%s\n\n", part.title)
		if err := part.rows.print(w, ""); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	_, err := fmt.Fprintln(w, "Build cache usage: 0B")
	return err
}

func imageUsageTable(list []engine.ImageUsage, now time.Time) *table {
	t := &table{
		columns: []column{
			{"Repository", "REPOSITORY"}, {"Tag", "TAG"}, {"ID", "IMAGE ID"}, {"CreatedSince", "CREATED"}, {"Size", "SIZE"},
			{"SharedSize", "SHARED SIZE"}, {"UniqueSize", "UNIQUE SIZE"}, {"Containers", "CONTAINERS"},
		},
		usual: []string{"Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"},
	}
	for _, img := range list {
		name := ""
		if len(img.Names) > 0 {
			name = img.Names[0] // one row an image, or the sizes would seem to be taken twice
		}
		repository, tag := splitName(name)
		t.rows = append(t.rows, map[string]string{
			"Repository": orNone(repository), "Tag": orNone(tag), "ID": short(string(img.ID)), "CreatedSince": ago(now, img.Created),
			"Size": bytesOf(img.Size), "SharedSize": bytesOf(img.Shared), "UniqueSize": bytesOf(img.Size - img.Shared),
			"Containers": strconv.Itoa(img.Containers),
		})
	}
	return t
}

func containerUsageTable(list []engine.ContainerUsage, now time.Time) *table {
	var summaries []engine.Summary
	for _, c := range list {
		summaries = append(summaries, c.Summary)
	}
	t := containerTable(summaries, now, false)
	t.columns = append(t.columns, column{"LocalVolumes", "LOCAL VOLUMES"}, column{"Size", "SIZE"})
	t.usual = []string{"ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"}
	for i, c := range list {
		t.rows[i]["LocalVolumes"], t.rows[i]["Size"] = strconv.Itoa(c.Volumes), bytesOf(c.Size)
	}
	return t
}

func volumeUsageTable(list []engine.VolumeUsage) *table {
	t := &table{columns: []column{{"Name", "VOLUME NAME"}, {"Links", "LINKS"}, {"Size", "SIZE"}}, usual: []string{"Name", "Links", "Size"}}
	for _, v := range list {
		t.rows = append(t.rows, map[string]string{"Name": v.Name, "Links": strconv.Itoa(v.Links), "Size": bytesOf(v.Size)})
	}
	return t
}
