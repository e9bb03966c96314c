package main

import (
	"fmt"
	"strings"

	cgroups "cooper/stage02-cgroups"

	"github.com/urfave/cli/v2"
)

func limitFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "memory", Aliases: []string{"m"}, Usage: "`BYTES` of memory: 64m"},
		&cli.StringFlag{Name: "memory-swap", Usage: "`BYTES` of memory and swap together; -1 is any amount"},
		&cli.StringFlag{Name: "memory-reservation", Usage: "`BYTES` that are spared while others can give"},
		&cli.BoolFlag{Name: "oom-kill-disable", Usage: "stand still at the memory limit (version 1)"},
		&cli.BoolFlag{Name: "oom-group", Usage: "have the OOM killer take all or none (version 2)"},
		&cli.StringFlag{Name: "cpus", Usage: "`NUMBER` of processors: 1.5"},
		&cli.Int64Flag{Name: "cpu-shares", Usage: "`WEIGHT` when processors are scarce; the usual one is 1024"},
		&cli.StringFlag{Name: "cpuset-cpus", Usage: "on which processors to run, a `LIST`: 0-3,7"},
		&cli.Int64Flag{Name: "pids", Usage: "`NUMBER` of processes and threads at one time"},
		&cli.UintFlag{Name: "blkio-weight", Usage: "`WEIGHT` when a disk is busy, 10 to 1000"},
		&cli.StringSliceFlag{Name: "unified", Usage: "a raw setting of version 2, `FILE=VALUE`: memory.high=60M"},
	}
}

// limitsFor reads the flags into Limits.
func limitsFor(c *cli.Context) (l cgroups.Limits, err error) {
	l = cgroups.Limits{
		CPUShares: c.Int64("cpu-shares"), CPUSetCPUs: c.String("cpuset-cpus"), Pids: c.Int64("pids"),
		OOMKillDisable: c.Bool("oom-kill-disable"), OOMGroup: c.Bool("oom-group"),
		BlkioWeight: uint16(min(c.Uint("blkio-weight"), 1<<16-1)),
	}
	for flag, limit := range map[string]*int64{"memory": &l.Memory, "memory-swap": &l.MemorySwap, "memory-reservation": &l.MemoryReservation} {
		if c.IsSet(flag) {
			if *limit, err = cgroups.ParseBytes(c.String(flag)); err != nil {
				return l, err
			}
		}
	}
	if c.IsSet("cpus") {
		if l.CPUQuota, l.CPUPeriod, err = cgroups.ParseCPUs(c.String("cpus")); err != nil {
			return l, err
		}
	}
	for _, setting := range c.StringSlice("unified") {
		file, value, found := strings.Cut(setting, "=")
		if !found {
			return l, fmt.Errorf("unified setting %q: write FILE=VALUE", setting)
		}
		if l.Unified == nil { // none asked is none at all: a user without a group may do that
			l.Unified = map[string]string{}
		}
		l.Unified[file] = value
	}
	return l, nil
}
