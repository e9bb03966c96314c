package cli

import (
	"fmt"
	"strings"

	units "github.com/docker/go-units"
	urfave "github.com/urfave/cli/v2"
)

func infoCommand() *urfave.Command {
	return &urfave.Command{
		Name: "info", Category: others,
		Usage: "Show what the engine holds and what it uses of this machine",
		Flags: []urfave.Flag{text("format f", "Print with a Go `template`, or json")},
		Action: takes(0, 0, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			if c.String("format") != "" {
				return printOne(c, info)
			}
			for _, line := range [][2]any{
				{"Containers", info.Containers},
				{" Running", info.Running},
				{" Paused", info.Paused},
				{" Stopped", info.Stopped},
				{"Images", info.Images},
				{"Volumes", info.Volumes},
				{"Version", version},
				{"Root Dir", info.Root},
				{"Run Dir", info.Run},
				{"Storage Driver", info.StorageDriver},
				{"Logging Driver", info.LoggingDriver},
				{"Plugins", ""},
				{" Volume", strings.Join(info.Plugins.Volume, " ")},
				{" Network", strings.Join(info.Plugins.Network, " ")},
				{" Log", strings.Join(info.Plugins.Log, " ")},
				{"Cgroup Driver", info.CgroupDriver},
				{"Cgroup Version", info.CgroupVersion},
				{"Kernel Version", info.Kernel},
				{"Operating System", info.OS},
				{"Architecture", info.Architecture},
				{"CPUs", info.CPUs},
				{"Total Memory", units.BytesSize(float64(info.Memory))},
				{"Name", info.Hostname},
			} {
				fmt.Fprintln(c.App.Writer, strings.TrimRight(fmt.Sprintf("%s: %s", line[0], clean(fmt.Sprint(line[1]))), " "))
			}
			return nil
		}),
	}
}
