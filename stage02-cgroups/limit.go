package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"regexp"
	"strconv"
	"strings"

	namespaces "cooper/stage01-namespaces"
)

// limit sets a new container's limits, but for one that may have to wait: see
// Lower.
func (m *making) limit(p *namespaces.Process) error {
	g, err := m.group()
	if doesWithout(err) {
		return nil
	}
	if err != nil {
		return err
	}
	p.HoldExec = m.spec.Limits.fewPids()
	return g.set(m.spec.Limits.forNewGroup().forBirth())
}

// Update changes the limits of a group, while its processes run. Zero fields
// stay as they are.
func (g *Group) Update(l Limits) error {
	if err := l.validate(); err != nil {
		return err
	}
	return g.set(l)
}

func (g *Group) set(l Limits) error {
	for _, c := range []struct {
		controller string
		asked      bool
		set        func(dir string) error
	}{
		{"memory", l.asksMemory(), func(dir string) error { return limitMemory(dir, g.version, l) }},
		{"cpu", l.CPUQuota != 0 || l.CPUPeriod != 0 || l.CPUShares != 0, func(dir string) error { return limitCPU(dir, g.version, l) }},
		{"cpuset", l.CPUSetCPUs != "" || l.CPUSetMems != "", func(dir string) error { return limitCPUSet(dir, l) }},
		{"pids", l.Pids != 0, func(dir string) error { return limitPids(dir, l) }},
		{"blkio", l.asksIO(), func(dir string) error { return limitIO(dir, g.version, l) }},
		{"hugetlb", len(l.HugepageLimits) > 0, func(dir string) error { return limitHugetlb(dir, g.version, l.HugepageLimits) }},
		{"rdma", len(l.Rdma) > 0, func(dir string) error { return limitRdma(dir, l.Rdma) }},
		{"unified", len(l.Unified) > 0, g.limitUnified(l.Unified)}, // the last: it has the last word
	} {
		if !c.asked {
			continue
		}
		dir, present := g.dir(c.controller)
		if !present && c.controller != "unified" {
			return fmt.Errorf("limit %s: this machine has no %s controller mounted (see /proc/cgroups)", c.controller, c.controller)
		}
		if err := c.set(dir); err != nil {
			return explainLimit(c.controller, err)
		}
	}
	return nil
}

// explainLimit tells of a missing file what is really missing.
func explainLimit(controller string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("limit %s: the controller is not enabled for this group, or not delegated to it, or this kernel lacks it: %w", controller, err)
	}
	return fmt.Errorf("limit %s: %w", controller, err)
}

// ParseBytes reads a size as people write it for --memory: "64m", "1.5g",
// "65536", "512kb", "2GiB". The units are powers of 1,024. "-1" is Unlimited.
func ParseBytes(size string) (int64, error) {
	if size == "-1" {
		return Unlimited, nil
	}
	parts := regexp.MustCompile(`^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$`).FindStringSubmatch(strings.ToLower(size))
	if parts == nil {
		return 0, fmt.Errorf("size %q: write a number of bytes, or one with k, m, g or t, such as 64m", size)
	}
	n, _ := strconv.ParseFloat(parts[1], 64)                       // the digits are checked; too many of them are +Inf
	n *= math.Pow(1024, float64(strings.Index("-kmgt", parts[2]))) // no unit is found at 0
	if n > maxBytes {
		return 0, fmt.Errorf("size %q: more than any machine has", size)
	}
	return int64(n), nil
}

// maxBytes is far more than any machine has, and far from overflowing.
const maxBytes = 1 << 60

// ParseCPUs reads a number of processors as people write it for --cpus, "1.5",
// and returns what CPUQuota and CPUPeriod are for it: 150,000 µs in each
// 100,000.
func ParseCPUs(cpus string) (quota, period int64, err error) {
	n, err := strconv.ParseFloat(cpus, 64)
	if err != nil || !(n >= 0.01 && n <= maxProcessors) {
		return 0, 0, fmt.Errorf("processors %q: write a number from 0.01 on, such as 1.5", cpus)
	}
	return int64(n*defaultPeriod + 0.5), defaultPeriod, nil
}
