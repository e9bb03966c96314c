package cli

import urfave "github.com/urfave/cli/v2"

func networkGroup() *urfave.Command {
	return group("network", "Work with networks, which join containers and keep them apart",
		networkConnect(), networkCreate(), networkDisconnect(), networkInspect(), networkList(), networkPrune(), networkRemove(), networkTrace())
}
