package cli

import urfave "github.com/urfave/cli/v2"

func networkInspect() *urfave.Command {
	inspect := inspectOnly("network")
	inspect.ArgsUsage = "NETWORK [NETWORK...]"
	inspect.Flags = append(inspect.Flags, toggle("verbose v", "Accepted, without a meaning: there are no services"))
	return inspect
}
