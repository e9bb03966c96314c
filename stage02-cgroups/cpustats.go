package cgroups

import "errors"

// CPUStats is what a group used of processors, in nanoseconds over all of them.
type CPUStats struct {
	Usage  uint64 `json:"usage"`
	User   uint64 `json:"user"`
	System uint64 `json:"system"`

	PerCPU []uint64 `json:"perCpu,omitempty"` // Usage by processor; version 2 keeps no such count

	Periods          uint64 `json:"periods"`          // with a quota: periods in which the group ran
	ThrottledPeriods uint64 `json:"throttledPeriods"` // those in which it had to stand still
	ThrottledTime    uint64 `json:"throttledTime"`    // for how long, nanoseconds

	Pressure *Pressure `json:"pressure,omitempty"`
}

func cpuStats2(dir string) (CPUStats, error) {
	table, err := readTable(dir, "cpu.stat")
	pressure, pressureErr := readPressure(dir, "cpu.pressure")
	const µs = 1000
	return CPUStats{
		Usage: table["usage_usec"] * µs, User: table["user_usec"] * µs, System: table["system_usec"] * µs,
		Periods: table["nr_periods"], ThrottledPeriods: table["nr_throttled"], ThrottledTime: table["throttled_usec"] * µs,
		Pressure: pressure,
	}, errors.Join(err, pressureErr)
}

// cpuStats1 reads what version 1 spreads over two controllers, often but not
// always mounted as one.
func cpuStats1(cpuDir, cpuacctDir string) (s CPUStats, err error) {
	const tick = 1e9 / 100 // cpuacct.stat counts in USER_HZ, 100 a second on every machine; see time(7)
	if cpuacctDir != "" {
		table, tableErr := readTable(cpuacctDir, "cpuacct.stat")
		s.User, s.System = table["user"]*tick, table["system"]*tick
		perCPU, perCPUErr := readNumbers(cpuacctDir, "cpuacct.usage_percpu")
		s.PerCPU = perCPU
		err = errors.Join(tableErr, readInto(&s.Usage, cpuacctDir, "cpuacct.usage"), ifPresent(perCPUErr))
	}
	if cpuDir != "" {
		table, tableErr := readTable(cpuDir, "cpu.stat")
		s.Periods, s.ThrottledPeriods, s.ThrottledTime = table["nr_periods"], table["nr_throttled"], table["throttled_time"]
		err = errors.Join(err, tableErr)
	}
	return s, err
}
