package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
)

// Stats is what a group used so far: what docker stats and the statistics of
// Docker's API show, but for the network, which isn't a cgroup's business, and
// what is the whole machine's (see Machine). What isn't accounted is zero.
type Stats struct {
	CPU     CPUStats       `json:"cpu"`
	Memory  MemoryStats    `json:"memory"`
	Pids    PidsStats      `json:"pids"`
	IO      []DeviceIO     `json:"io"`
	Hugetlb []HugetlbStats `json:"hugetlb,omitempty"`

	IOPressure *Pressure `json:"ioPressure,omitempty"`
}

// Stats reads the group's counters. They cover the groups inside it, and every
// process that ever ran there, until Remove.
func (g *Group) Stats() (s Stats, err error) {
	if !isDir(g.home()) {
		return s, fmt.Errorf("read the counters of cgroup %s: %w", g.path, fs.ErrNotExist)
	}
	for _, c := range []struct {
		controller string
		read       func(dir string) error
	}{
		{"cpu", func(dir string) (err error) { s.CPU, err = g.cpuStats(); return }},
		{"memory", func(dir string) (err error) { s.Memory, err = memoryStats(dir, g.version); return }},
		{"pids", func(dir string) (err error) { s.Pids, err = pidsStats(dir); return }},
		{"blkio", func(dir string) (err error) { s.IO, s.IOPressure, err = ioStats(dir, g.version); return }},
		{"hugetlb", func(dir string) (err error) { s.Hugetlb, err = hugetlbStats(dir, g.version); return }},
	} {
		dir, present := g.dir(c.controller)
		if !present {
			continue
		}
		if err := ifPresent(c.read(dir)); err != nil {
			return s, fmt.Errorf("read the counters of cgroup %s: %w", g.path, err)
		}
	}
	return s, nil
}

func (g *Group) cpuStats() (CPUStats, error) {
	if g.version == 2 {
		return cpuStats2(g.home())
	}
	cpu, _ := g.dir("cpu")
	cpuacct, _ := g.dir("cpuacct")
	return cpuStats1(cpu, cpuacct)
}

func ioStats(dir string, version int) ([]DeviceIO, *Pressure, error) {
	if version == 1 {
		stats, err := ioStats1(dir)
		return stats, nil, err
	}
	stats, err := ioStats2(dir)
	pressure, pressureErr := readPressure(dir, "io.pressure")
	return stats, pressure, errors.Join(err, pressureErr)
}
