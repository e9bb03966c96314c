package cgroups

import (
	"fmt"
	"io/fs"
)

// Stats is what a group used so far: what docker stats shows, but for the
// network, which isn't a cgroup's business. What the machine doesn't account
// is zero.
type Stats struct {
	CPU    CPUStats    `json:"cpu"`
	Memory MemoryStats `json:"memory"`
	Pids   PidsStats   `json:"pids"`
	IO     []DeviceIO  `json:"io"`
}

// Stats reads the group's counters. They cover the groups inside it, and every
// process that ever ran there, until Remove.
func (g *Group) Stats() (s Stats, err error) {
	if !isDir(g.home()) {
		return s, fmt.Errorf("read the counters of cgroup %s: %w", g.path, fs.ErrNotExist)
	}
	var errs [4]error
	if g.version == 2 {
		s.CPU, errs[0] = cpuStats2(g.home())
	} else {
		cpu, _ := g.dir("cpu")
		cpuacct, _ := g.dir("cpuacct")
		s.CPU, errs[0] = cpuStats1(cpu, cpuacct)
	}
	if dir, present := g.dir("memory"); present {
		s.Memory, errs[1] = memoryStats(dir, g.version)
	}
	if dir, present := g.dir("pids"); present {
		s.Pids, errs[2] = pidsStats(dir)
	}
	if dir, present := g.dir("blkio"); present {
		if g.version == 2 {
			s.IO, errs[3] = ioStats2(dir)
		} else {
			s.IO, errs[3] = ioStats1(dir)
		}
	}
	for _, err := range errs {
		if ifPresent(err) != nil {
			return s, fmt.Errorf("read the counters of cgroup %s: %w", g.path, err)
		}
	}
	return s, nil
}
