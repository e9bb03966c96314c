package cgroups

import "errors"

// MemoryStats is what a group uses of memory, in bytes.
type MemoryStats struct {
	Usage        uint64            `json:"usage"`        // with the page cache
	Limit        uint64            `json:"limit"`        // 0 is none
	MaxUsage     uint64            `json:"maxUsage"`     // the highest Usage; 0 where version 2 is older than Linux 5.19
	InactiveFile uint64            `json:"inactiveFile"` // page cache that the kernel gives up first
	Failures     uint64            `json:"failures"`     // how often the limit was hit; newer kernels' version 1 keeps no count
	Swap         uint64            `json:"swap"`         // what of the group lies in swap, beside Usage
	SwapLimit    uint64            `json:"swapLimit"`    // 0 is none; version 1's is Memory's limit subtracted from the sum's
	OOMKills     uint64            `json:"oomKills"`     // processes that the OOM killer ended
	Detail       map[string]uint64 `json:"detail"`       // memory.stat as it is
	Pressure     *Pressure         `json:"pressure,omitempty"`
}

// Working is what docker stats shows as MEM USAGE: without the page cache that
// would go first.
func (m MemoryStats) Working() uint64 {
	if m.InactiveFile > m.Usage {
		return 0
	}
	return m.Usage - m.InactiveFile
}

func memoryStats(dir string, version int) (MemoryStats, error) {
	if version == 2 {
		return memoryStats2(dir)
	}
	return memoryStats1(dir)
}

func memoryStats2(dir string) (m MemoryStats, err error) {
	events, eventsErr := readTable(dir, "memory.events")
	m.Failures, m.OOMKills = events["max"], events["oom_kill"]
	detail, detailErr := readTable(dir, "memory.stat")
	m.Detail, m.InactiveFile = detail, detail["inactive_file"]
	err = errors.Join(eventsErr, detailErr,
		readInto(&m.Usage, dir, "memory.current"),
		readInto(&m.Limit, dir, "memory.max"),
		ifPresent(readInto(&m.MaxUsage, dir, "memory.peak")),
		ifPresent(readInto(&m.Swap, dir, "memory.swap.current")),
		ifPresent(readInto(&m.SwapLimit, dir, "memory.swap.max")))
	pressure, pressureErr := readPressure(dir, "memory.pressure")
	m.Pressure, err = pressure, errors.Join(err, pressureErr)
	return m, err
}

func memoryStats1(dir string) (m MemoryStats, err error) {
	detail, err := readTable(dir, "memory.stat")
	m.Detail, m.InactiveFile = detail, detail["total_inactive_file"]
	control, controlErr := readTable(dir, "memory.oom_control")
	m.OOMKills = control["oom_kill"]
	var sum, sumLimit uint64
	err = errors.Join(err, controlErr,
		readInto(&m.Usage, dir, "memory.usage_in_bytes"),
		readInto(&m.Limit, dir, "memory.limit_in_bytes"),
		readInto(&m.MaxUsage, dir, "memory.max_usage_in_bytes"),
		readInto(&m.Failures, dir, "memory.failcnt"),
		ifPresent(readInto(&sum, dir, "memory.memsw.usage_in_bytes")),
		ifPresent(readInto(&sumLimit, dir, "memory.memsw.limit_in_bytes")))
	// The two numbers were read one after the other: the part may have outgrown the sum.
	m.Swap, m.SwapLimit = max(sum, m.Usage)-m.Usage, max(sumLimit, m.Limit)-m.Limit
	return m, err
}
