package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	network "cooper/stage06-network"

	"github.com/urfave/cli/v2"
)

// stateDir is where state is kept if nothing else is said: a user's is in his
// home, where the XDG Base Directory Specification has it.
func stateDir() string {
	if os.Geteuid() == 0 {
		return "/var/lib/cooper"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "cooper")
	}
	return filepath.Join(os.Getenv("HOME"), ".local/share/cooper")
}

// networksOf returns what --network says, or means when it isn't there.
func networksOf(c *cli.Context) ([]string, error) {
	asked := c.StringSlice("network")
	if os.Geteuid() == 0 {
		if len(asked) == 0 {
			asked = []string{network.DefaultNetwork}
		}
		return asked, nil
	}
	if len(asked) == 0 {
		mode, err := network.UserMode()
		return []string{string(mode)}, err
	}
	for _, flag := range asked {
		if mode, name, err := network.ParseMode(flag); err == nil && mode == network.Plugged {
			return nil, fmt.Errorf("network %s: a link on the host takes root: use --network pasta, slirp4netns, none or host", name)
		}
	}
	return asked, nil
}

// imageTakesRoot refuses a user's image: the layers' files have owners that only
// root can give them.
func imageTakesRoot() error {
	if os.Geteuid() == 0 {
		return nil
	}
	return errors.New("unpacking an image takes root: take a directory with --rootfs")
}
