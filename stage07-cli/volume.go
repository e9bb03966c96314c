package cli

import (
	"fmt"
	"time"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func volumeGroup() *urfave.Command {
	return group("volume", "Work with volumes, the directories that outlive containers",
		volumeCreate(), volumeInspect(), volumeList(), volumeRemove())
}

func volumeCreate() *urfave.Command {
	return &urfave.Command{
		Name: "create", Usage: "Make a volume", ArgsUsage: "[NAME]",
		Flags: []urfave.Flag{many("label", "Attach a label, `KEY=value`")},
		Action: takes(0, 1, func(c *urfave.Context) error {
			marks, err := labels(c.StringSlice("label"))
			if err != nil {
				return &usageError{"", err.Error()}
			}
			e, err := open(c)
			if err != nil {
				return err
			}
			volume, err := e.CreateVolume(c.Args().First(), marks)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.App.Writer, volume.Name)
			return nil
		}),
	}
}

func volumeList() *urfave.Command {
	return &urfave.Command{
		Name: "ls", Aliases: []string{"list"}, Usage: "List volumes",
		Flags: []urfave.Flag{toggle("quiet q", "Only the names"), formatFlag()},
		Action: takes(0, 0, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			volumes, err := e.Volumes()
			if err != nil {
				return err
			}
			format := c.String("format")
			if c.Bool("quiet") && format == "" {
				format = "{{.Name}}"
			}
			return volumeTable(volumes).print(c.App.Writer, format)
		}),
	}
}

func volumeTable(volumes []engine.Volume) *table {
	t := &table{
		columns: []column{{"Driver", "DRIVER"}, {"Name", "VOLUME NAME"}, {"Mountpoint", "MOUNTPOINT"}, {"Labels", "LABELS"}},
		usual:   []string{"Driver", "Name"},
	}
	for _, v := range volumes {
		t.rows = append(t.rows, map[string]string{
			"Driver": "local", "Name": v.Name, "Mountpoint": v.Mountpoint, "Labels": labelList(v.Labels),
		})
	}
	return t
}

func volumeInspect() *urfave.Command {
	return &urfave.Command{
		Name: "inspect", Usage: "Tell all about volumes", ArgsUsage: "VOLUME [VOLUME...]",
		Flags: []urfave.Flag{text("format f", "Print with a Go `template`")},
		Action: takes(1, -1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			return inspectEach(c, func(name string) (any, error) { return inspectVolume(e, name) })
		}),
	}
}

// inspectVolume answers in the shape of Docker's API.
func inspectVolume(e *engine.Engine, name string) (any, error) {
	v, err := e.Volume(name)
	if err != nil {
		return nil, err
	}
	return struct {
		CreatedAt  string
		Driver     string
		Labels     map[string]string
		Mountpoint string
		Name       string
		Options    map[string]string
		Scope      string
	}{v.Created.Format(time.RFC3339), "local", v.Labels, v.Mountpoint, v.Name, nil, "local"}, nil
}

func volumeRemove() *urfave.Command {
	return &urfave.Command{
		Name: "rm", Aliases: []string{"remove"}, Usage: "Remove volumes and what is in them", ArgsUsage: "VOLUME [VOLUME...]",
		Action: takes(1, -1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			return eachName(c, e.RemoveVolume)
		}),
	}
}
