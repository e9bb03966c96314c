package cli

import (
	"errors"
	"fmt"
	"os"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

var errNotRoot = errors.New("cooper must be run as root: put sudo in front")

// open opens the engine that --root and --run name. Namespaces, mounts and
// cgroups are made with root's power, until rootless containers come.
func open(c *urfave.Context) (*engine.Engine, error) {
	if os.Geteuid() != 0 {
		return nil, errNotRoot
	}
	switch driver := c.String("cgroup-manager"); driver {
	case "", cgroups.Cgroupfs, cgroups.Systemd:
	default:
		return nil, &usageError{"", fmt.Sprintf("--cgroup-manager %s: use %s or %s", clean(driver), cgroups.Systemd, cgroups.Cgroupfs)}
	}
	e, err := engine.Open(c.String("root"), c.String("run"))
	if err != nil {
		return nil, fmt.Errorf("open the engine: %w", err)
	}
	e.CgroupDriver = c.String("cgroup-manager")
	return e, nil
}

// eachName does something with every name on the line and prints the name when
// it is done, as Docker does. One that fails doesn't keep the others from it.
func eachName(c *urfave.Context, do func(name string) error) error {
	failed := 0
	for _, name := range c.Args().Slice() {
		if err := do(name); err != nil {
			failed = max(failed, report(c.App.ErrWriter, err))
			continue
		}
		fmt.Fprintln(c.App.Writer, clean(name))
	}
	return exitWith(failed)
}
