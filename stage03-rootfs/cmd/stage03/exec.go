package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	rootfs "cooper/stage03-rootfs"

	"github.com/urfave/cli/v2"
)

// joinFlags are those of all that one more process of a container can have.
func joinFlags(all []cli.Flag) []cli.Flag {
	return slices.DeleteFunc(slices.Clone(all), func(flag cli.Flag) bool {
		return !slices.Contains([]string{"workdir", "user", "group-add", "cap-add", "cap-drop", "security-opt", "privileged", "tty", "explain"}, flag.Names()[0])
	})
}

// joining reads the flags into the Spec of one more process of a container: of
// that in whose namespaces and cgroup the given process is.
func joining(do func(*rootfs.Spec) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		target, err := strconv.Atoi(c.Args().First())
		if err != nil {
			return fmt.Errorf("%q is not a pid", c.Args().First())
		}
		s := rootfs.Defaults()
		if err := s.Join(target); err != nil {
			return err
		}
		s.Args, s.Terminal = c.Args().Tail(), c.Bool("tty")
		s.User, s.AdditionalGroups, s.Cwd, s.Privileged = c.String("user"), c.StringSlice("group-add"), c.String("workdir"), c.Bool("privileged")
		if err := errors.Join(powers(c, &s), s.Validate()); err != nil {
			return err
		}
		return do(&s)
	}
}
