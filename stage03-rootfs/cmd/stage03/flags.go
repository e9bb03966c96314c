package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"
	rootfs "cooper/stage03-rootfs"

	"github.com/urfave/cli/v2"
)

// specFlags are the flags that say what the container is like.
func specFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "rootfs", Required: true, Usage: "the `DIR` that becomes /"},
		&cli.BoolFlag{Name: "read-only", Usage: "nothing in the root can be changed"},
		&cli.StringSliceFlag{Name: "volume", Aliases: []string{"v"}, Usage: "`SOURCE:DESTINATION[:ro]`: show a directory or file of the host"},
		&cli.StringSliceFlag{Name: "mount", Usage: "the same and more in words: `type=bind,source=…,destination=…`"},
		&cli.StringSliceFlag{Name: "tmpfs", Usage: "`DESTINATION[:size=…]`: a directory in memory"},
		&cli.StringFlag{Name: "shm-size", Usage: "`BYTES` of shared memory in /dev/shm: 64m"},
		&cli.StringSliceFlag{Name: "device", Usage: "`HOST[:CONTAINER][:rwm]`: give a device of the host"},
		&cli.StringFlag{Name: "workdir", Aliases: []string{"w"}, Usage: "the working `DIR` inside"},
		&cli.StringFlag{Name: "user", Aliases: []string{"u"}, Usage: "`NAME|UID[:GROUP|GID]`, of the root's own /etc/passwd"},
		&cli.StringSliceFlag{Name: "group-add", Usage: "one more `GROUP` for the user"},
		&cli.StringSliceFlag{Name: "cap-add", Usage: "give a `CAPABILITY`, or ALL"},
		&cli.StringSliceFlag{Name: "cap-drop", Usage: "take a `CAPABILITY`, or ALL"},
		&cli.StringSliceFlag{Name: "security-opt", Usage: "`KEY=VALUE`: no-new-privileges, apparmor=PROFILE, label=…, seccomp=FILE, systempaths=unconfined"},
		&cli.BoolFlag{Name: "privileged", Usage: "everything that this program may itself"},
		&cli.StringSliceFlag{Name: "sysctl", Usage: "`NAME=VALUE`: a kernel parameter of the container's namespaces"},
		&cli.StringSliceFlag{Name: "ulimit", Usage: "`NAME=SOFT[:HARD]`: nofile=1024:2048"},
		&cli.IntFlag{Name: "oom-score-adj", Usage: "from -1000 to 1000: how good a victim it is when memory runs out"},
		&cli.BoolFlag{Name: "tty", Aliases: []string{"t"}, Usage: "give the command a terminal of its own"},
		&cli.BoolFlag{Name: "userns", Usage: "a user namespace too, in which the caller is root; without root always"},
		&cli.BoolFlag{Name: "subids", Usage: "and with it the ids that /etc/subuid and /etc/subgid lend the caller"},
		&cli.StringFlag{Name: "hostname", Value: "container", Usage: "the host `NAME` inside"},
		&cli.StringFlag{Name: "memory", Value: "0", Usage: "`BYTES` of memory: 64m"},
		&cli.StringFlag{Name: "cgroup-manager", Value: cgroups.Cgroupfs, Usage: "who makes the cgroup, `DRIVER`: systemd where it runs, or cgroupfs"},
		&cli.Int64Flag{Name: "pids", Usage: "how many processes at one time"},
	}
}

// with reads the flags into a Spec for do.
func with(do func(*rootfs.Spec) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		s := rootfs.Defaults()
		s.ID, s.Args, s.Terminal, s.Hostname = namespaces.NewID(), c.Args().Slice(), c.Bool("tty"), c.String("hostname")
		s.CgroupDriver = c.String("cgroup-manager")
		s.User, s.AdditionalGroups, s.Cwd = c.String("user"), c.StringSlice("group-add"), c.String("workdir")
		s.Privileged, s.ReadonlyRootfs, s.Limits.Pids = c.Bool("privileged"), c.Bool("read-only"), c.Int64("pids")
		if c.IsSet("oom-score-adj") {
			score := c.Int("oom-score-adj")
			s.OOMScoreAdj = &score
		}
		if err := s.RunAsCaller(c.Bool("userns"), c.Bool("subids")); err != nil {
			return err
		}
		if err := errors.Join(files(c, &s), powers(c, &s), limits(c, &s)); err != nil {
			return err
		}
		s.DeviceRules = rootfs.DeviceRules(&s)
		if err := s.Validate(); err != nil {
			return err
		}
		return do(&s)
	}
}

// files reads what the container sees.
func files(c *cli.Context, s *rootfs.Spec) (err error) {
	if s.Rootfs, err = filepath.Abs(c.String("rootfs")); err != nil {
		return err
	}
	mounts, err := rootfs.ParseMounts(c.StringSlice("volume"), c.StringSlice("mount"), c.StringSlice("tmpfs"))
	if err != nil {
		return err
	}
	if c.IsSet("shm-size") {
		size, err := cgroups.ParseBytes(c.String("shm-size"))
		if err != nil {
			return err
		}
		s.SetShmSize(size)
	}
	s.Mounts = rootfs.AddMounts(s.Mounts, mounts)
	for _, value := range c.StringSlice("device") {
		devices, err := rootfs.ParseDevice(value)
		if err != nil {
			return err
		}
		s.AddDevices(devices...)
	}
	return nil
}

// powers reads what the container may do.
func powers(c *cli.Context, s *rootfs.Spec) error {
	possible, err := s.PossibleCapabilities()
	if err != nil {
		return err
	}
	s.Capabilities, err = rootfs.AdjustCapabilities(s.Capabilities, possible, c.StringSlice("cap-add"), c.StringSlice("cap-drop"))
	if err != nil {
		return err
	}
	if s.SeccompFilter = nil; !s.Privileged {
		if s.SeccompFilter, err = rootfs.LoadSeccomp("builtin", s.Capabilities); err != nil {
			return err
		}
	}
	return s.Secure(c.StringSlice("security-opt"))
}

// limits reads how much of everything it may have.
func limits(c *cli.Context, s *rootfs.Spec) (err error) {
	if s.Limits.Memory, err = cgroups.ParseBytes(c.String("memory")); err != nil {
		return err
	}
	for _, value := range c.StringSlice("ulimit") {
		limit, err := rootfs.ParseUlimit(value)
		if err != nil {
			return err
		}
		s.Rlimits = append(s.Rlimits, limit)
	}
	for _, pair := range c.StringSlice("sysctl") {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return fmt.Errorf("sysctl %q: write NAME=VALUE", pair)
		}
		if s.Sysctl == nil {
			s.Sysctl = map[string]string{}
		}
		s.Sysctl[key] = value
	}
	return nil
}
