package main

import (
	rootfs "cooper/stage03-rootfs"

	"github.com/urfave/cli/v2"
)

// powers reads what the container may do beyond what every container may.
func powers(c *cli.Context, s *rootfs.Spec) error {
	if !c.IsSet("cap-add") {
		return nil
	}
	possible, err := s.PossibleCapabilities()
	if err != nil {
		return err
	}
	s.Capabilities, err = rootfs.AdjustCapabilities(s.Capabilities, possible, c.StringSlice("cap-add"), nil)
	if err != nil {
		return err
	}
	s.SeccompFilter, err = rootfs.LoadSeccomp("builtin", s.Capabilities)
	return err
}
