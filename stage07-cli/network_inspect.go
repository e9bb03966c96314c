package cli

import urfave "github.com/urfave/cli/v2"

func networkInspect() *urfave.Command {
	inspect := inspectOnly("network")
	inspect.ArgsUsage = "NETWORK [NETWORK...]"
	return inspect
}
