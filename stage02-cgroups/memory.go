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
//	MemorySwappiness                                     memory.swappiness
//	OOMKillDisable                                       memory.oom_control, "1"
//	OOMGroup            memory.oom.group, "1"
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
	case l.MemorySwappiness != nil && (*l.MemorySwappiness < Unlimited || *l.MemorySwappiness > 100):
		return fmt.Errorf("memory swappiness of %d: must be from 0 to 100", *l.MemorySwappiness)
	case l.OOMKillDisable && l.OOMGroup:
		return fmt.Errorf("oom-kill-disable and oom-group: the OOM killer can't both stay away and take all")
	}
	return nil
}

func (l Limits) asksMemory() bool {
	return l.Memory != 0 || l.MemoryReservation != 0 || l.MemorySwap != 0 ||
		l.asksSwappiness() || l.OOMKillDisable || l.OOMGroup
}

// asksSwappiness leaves out Docker's way of not asking, -1.
func (l Limits) asksSwappiness() bool { return l.MemorySwappiness != nil && *l.MemorySwappiness >= 0 }

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
	if l.Memory == Unlimited && l.MemorySwap == 0 {
		l.MemorySwap = Unlimited // a sum below one of its parts would be refused
	}
	if version == 2 {
		return limitMemory2(dir, l)
	}
	return limitMemory1(dir, l)
}

func limitMemory2(dir string, l Limits) error {
	switch {
	case l.asksSwappiness():
		return errors.New("memory swappiness: version 2 of cgroups has none")
	case l.OOMKillDisable:
		return errors.New("oom-kill-disable: version 2 of cgroups can't keep the OOM killer away")
	}
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
		if err := writeNumber(dir, "memory.low", l.MemoryReservation, "max"); err != nil {
			return err
		}
	}
	if l.OOMGroup {
		return write(dir, "memory.oom.group", "1")
	}
	return nil
}

// limitSwap2 forgives a kernel without swap accounting what it can't but keep.
func limitSwap2(dir string, l Limits) error {
	switch l.MemorySwap {
	case twice:
		return ifPresent(writeNumber(dir, "memory.swap.max", l.Memory, "max"))
	case Unlimited:
		return ifPresent(write(dir, "memory.swap.max", "max"))
	case l.Memory:
		return ifPresent(write(dir, "memory.swap.max", "0"))
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

func limitMemory1(dir string, l Limits) error {
	if l.OOMGroup {
		return errors.New("oom-group: the OOM killer of version 1 takes one process at a time")
	}
	if err := limitSum1(dir, l); err != nil {
		return err
	}
	if l.MemoryReservation != 0 {
		if err := writeNumber(dir, "memory.soft_limit_in_bytes", l.MemoryReservation, "-1"); err != nil {
			return err
		}
	}
	if l.asksSwappiness() {
		if err := writeNumber(dir, "memory.swappiness", *l.MemorySwappiness, ""); err != nil {
			return err
		}
	}
	if l.OOMKillDisable {
		return write(dir, "memory.oom_control", "1")
	}
	return nil
}

// limitSum1 keeps the kernel's condition at each of its two writes: memory
// alone never has the larger limit. So on the way up the sum goes first, and
// on the way down memory alone does. EINVAL tells the direction, without a
// look at the old values that could be outdated by the write.
func limitSum1(dir string, l Limits) error {
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
	if l.MemorySwap == twice || l.MemorySwap == Unlimited {
		err = ifPresent(err) // a kernel without swap accounting has no memsw files
	}
	switch {
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("%w (the limit of memory and swap together can't be below that of memory: set both)", err)
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w (more than that is in use and can't be reclaimed)", err)
	}
	return err
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
