package cgroups

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// The memory controller. What is asked for, and where it goes:
//
//	                    version 2                        version 1
//	Memory              memory.max                       memory.limit_in_bytes
//	MemoryReservation   memory.low                       memory.soft_limit_in_bytes
//	MemorySwap          memory.swap.max, without Memory  memory.memsw.limit_in_bytes
//
// MemorySwap is memory and swap together, as version 1 has it and as people
// know it from docker run --memory-swap; version 2 limits swap by itself.

// minMemory is Docker's lower bound: with less, not even the command's own
// birth fits, and the OOM killer answers instead of an error.
const minMemory = 6 << 20

func (l Limits) validateMemory() error {
	switch {
	case l.Memory < Unlimited || l.MemorySwap < Unlimited || l.MemoryReservation < Unlimited:
		return fmt.Errorf("memory limit: must not be negative (-1 lifts it)")
	case l.Memory > 0 && l.Memory < minMemory:
		return fmt.Errorf("memory limit of %d bytes: use at least 6m", l.Memory)
	case max(l.Memory, l.MemorySwap, l.MemoryReservation) > maxBytes:
		return fmt.Errorf("memory limit: more than any machine has")
	case l.MemorySwap > 0 && l.Memory > l.MemorySwap:
		return fmt.Errorf("memory-swap limit: it counts memory and swap together, so it can't be below the memory limit")
	case l.Memory > 0 && l.MemoryReservation > l.Memory:
		return fmt.Errorf("memory reservation: must not be above the memory limit")
	}
	return nil
}

// forNewGroup fills in what Docker's users expect of a container for which
// they named a memory limit alone: as much swap again. A machine may have no
// swap, or not account it; that is no error then, since nobody asked.
func (l Limits) forNewGroup() Limits {
	if l.Memory > 0 && l.MemorySwap == 0 {
		l.MemorySwap = twice
	}
	return l
}

// twice stands for "2 × Memory, if this machine limits swap".
const twice = 1<<63 - 1

func limitMemory(dir string, version int, l Limits) error {
	if version == 2 {
		return limitMemory2(dir, l)
	}
	return limitMemory1(dir, l)
}

func limitMemory2(dir string, l Limits) error {
	if l.Memory != 0 {
		if err := writeNumber(dir, "memory.max", l.Memory, "max"); err != nil {
			return err
		}
	}
	if l.MemorySwap != 0 {
		if err := limitSwap2(dir, l); err != nil {
			return err
		}
	}
	if l.MemoryReservation != 0 {
		return writeNumber(dir, "memory.low", l.MemoryReservation, "max")
	}
	return nil
}

func limitSwap2(dir string, l Limits) error {
	if l.MemorySwap == twice {
		return ifPresent(writeNumber(dir, "memory.swap.max", l.Memory, "max"))
	}
	if l.MemorySwap == Unlimited {
		return write(dir, "memory.swap.max", "max")
	}
	memory := l.Memory
	if memory == 0 { // an update of swap alone
		n, err := readNumber(dir, "memory.max")
		if err != nil {
			return err
		}
		memory = int64(n)
	}
	if memory <= 0 || memory > l.MemorySwap {
		return fmt.Errorf("memory-swap limit: it counts memory and swap together, so it needs a memory limit, below it")
	}
	return writeNumber(dir, "memory.swap.max", l.MemorySwap-memory, "max")
}

// limitMemory1 keeps the kernel's condition at each of its two writes: memory
// alone never has the larger limit. So on the way up the sum goes first, and
// on the way down memory alone does. EINVAL tells the direction, without a
// look at the old values that could be outdated by the write.
func limitMemory1(dir string, l Limits) error {
	sum := l.MemorySwap
	if sum == twice {
		sum = 2 * l.Memory
	}
	memoryFirst := func() error {
		return limitBoth1(dir, "memory.limit_in_bytes", l.Memory, "memory.memsw.limit_in_bytes", sum)
	}
	err := memoryFirst()
	if errors.Is(err, unix.EINVAL) && sum != 0 {
		err = limitBoth1(dir, "memory.memsw.limit_in_bytes", sum, "memory.limit_in_bytes", l.Memory)
	}
	if l.MemorySwap == twice {
		err = ifPresent(err) // a kernel without swap accounting has no memsw files
	}
	switch {
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w (the limit of memory and swap together can't be below that of memory: set both)", err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w (more than that is in use and can't be reclaimed)", err)
	case err != nil:
		return err
	}
	if l.MemoryReservation != 0 {
		return writeNumber(dir, "memory.soft_limit_in_bytes", l.MemoryReservation, "-1")
	}
	return nil
}

// limitBoth1 writes two limits in the given order, leaving out zeros.
func limitBoth1(dir, first string, a int64, second string, b int64) error {
	if a != 0 {
		if err := writeNumber(dir, first, a, "-1"); err != nil {
			return err
		}
	}
	if b != 0 {
		return writeNumber(dir, second, b, "-1")
	}
	return nil
}

// MemoryStats is what a group uses of memory, in bytes.
type MemoryStats struct {
	Usage        uint64            `json:"usage"`        // with the page cache
	Limit        uint64            `json:"limit"`        // 0 is none
	MaxUsage     uint64            `json:"maxUsage"`     // the highest Usage; 0 where version 2 is older than Linux 5.19
	InactiveFile uint64            `json:"inactiveFile"` // page cache that the kernel gives up first
	Failures     uint64            `json:"failures"`     // how often the limit was hit; newer kernels' version 1 keeps no count
	Detail       map[string]uint64 `json:"detail"`       // memory.stat as it is
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
	m.Failures = events["max"]
	detail, detailErr := readTable(dir, "memory.stat")
	m.Detail, m.InactiveFile = detail, detail["inactive_file"]
	err = errors.Join(eventsErr, detailErr,
		readInto(&m.Usage, dir, "memory.current"),
		readInto(&m.Limit, dir, "memory.max"),
		ifPresent(readInto(&m.MaxUsage, dir, "memory.peak")))
	return m, err
}

func memoryStats1(dir string) (m MemoryStats, err error) {
	detail, err := readTable(dir, "memory.stat")
	m.Detail, m.InactiveFile = detail, detail["total_inactive_file"]
	err = errors.Join(err,
		readInto(&m.Usage, dir, "memory.usage_in_bytes"),
		readInto(&m.Limit, dir, "memory.limit_in_bytes"),
		readInto(&m.MaxUsage, dir, "memory.max_usage_in_bytes"),
		readInto(&m.Failures, dir, "memory.failcnt"))
	return m, err
}

func readInto(n *uint64, dir, file string) (err error) {
	*n, err = readNumber(dir, file)
	return err
}
