package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"

	"github.com/urfave/cli/v2"
)

// specFor reads the flags into a Spec.
func specFor(c *cli.Context) (spec *cgroups.Spec, err error) {
	spec = &cgroups.Spec{}
	if spec.Limits, err = limitsFor(c); err != nil {
		return nil, err
	}
	spec.ID, spec.Args, spec.Env, spec.Terminal = namespaces.NewID(), c.Args().Slice(), os.Environ(), c.Bool("tty")
	spec.CgroupDriver = c.String("cgroup-manager")
	spec.Namespaces = namespaces.New(namespaces.Mount, namespaces.PID, namespaces.Cgroup)
	if err := spec.RunAsCaller(c.Bool("userns"), c.Bool("subids")); err != nil {
		return nil, err
	}
	allowed, err := cgroups.ParseDeviceRules(c.StringSlice("device-cgroup-rule"))
	spec.DeviceRules = append(cgroups.DefaultDeviceRules(), allowed...)
	return spec, errors.Join(err, spec.Validate())
}

// joining is a command in the namespaces and the cgroup of a process.
func joining(c *cli.Context) (*cgroups.Spec, error) {
	target, err := strconv.Atoi(c.Args().First())
	if err != nil {
		return nil, fmt.Errorf("%q is not a pid", c.Args().First())
	}
	spec := &cgroups.Spec{}
	spec.Args, spec.Env, spec.Terminal = c.Args().Tail(), os.Environ(), c.Bool("tty")
	return spec, errors.Join(spec.Join(target), spec.Validate())
}
