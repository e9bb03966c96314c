package cgroups

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"golang.org/x/sys/unix"
)

// The cpu controller.
//
//	           version 2                      version 1
//	CPUQuota   cpu.max, "150000 100000"       cpu.cfs_quota_us
//	CPUPeriod  or "max 100000"                cpu.cfs_period_us
//	CPUShares  cpu.weight, converted          cpu.shares
//
// The quota is a ceiling also on an idle machine: who has used it up stands
// still until the next period. Shares matter only when processors are scarce.

const (
	defaultPeriod = 100_000 // µs
	minPeriod     = 1_000
	maxPeriod     = 1_000_000
	minQuota      = 1_000

	maxProcessors = 8192 // of any Linux kernel: NR_CPUS

	minShares = 2
	maxShares = 1 << 18
)

func (l Limits) validateCPU() error {
	switch {
	case l.CPUPeriod != 0 && (l.CPUPeriod < minPeriod || l.CPUPeriod > maxPeriod):
		return fmt.Errorf("cpu period of %d µs: must be from 1000 to 1000000", l.CPUPeriod)
	case l.CPUQuota != 0 && l.CPUQuota != Unlimited && (l.CPUQuota < minQuota || l.CPUQuota > maxProcessors*maxPeriod):
		return fmt.Errorf("cpu quota of %d µs: must be at least 1000 (-1 lifts it)", l.CPUQuota)
	case l.CPUShares != 0 && (l.CPUShares < minShares || l.CPUShares > maxShares):
		return fmt.Errorf("cpu shares of %d: must be from 2 to 262144", l.CPUShares)
	}
	return nil
}

func limitCPU(dir string, version int, l Limits) error {
	if version == 2 {
		return limitCPU2(dir, l)
	}
	return limitCPU1(dir, l)
}

func limitCPU2(dir string, l Limits) error {
	if l.CPUShares != 0 {
		if err := write(dir, "cpu.weight", strconv.FormatUint(weight(l.CPUShares), 10)); err != nil {
			return err
		}
	}
	if l.CPUQuota == 0 && l.CPUPeriod == 0 {
		return nil
	}
	quota, period, err := readMax2(dir)
	if err != nil {
		return err
	}
	if l.CPUQuota != 0 {
		quota = strconv.FormatInt(l.CPUQuota, 10)
	}
	if l.CPUQuota == Unlimited {
		quota = "max"
	}
	if l.CPUPeriod != 0 {
		period = strconv.FormatInt(l.CPUPeriod, 10)
	}
	return write(dir, "cpu.max", quota+" "+period)
}

// readMax2 reads cpu.max, so that a quota or a period alone can be changed.
func readMax2(dir string) (quota, period string, err error) {
	text, err := read(dir, "cpu.max")
	if err != nil {
		return "", "", err
	}
	if _, err := fmt.Sscan(text, &quota, &period); err != nil {
		return "", "", fmt.Errorf("read cpu.max %q: %w", text, err)
	}
	return quota, period, nil
}

// limitCPU1 writes two files that the kernel checks together: the ratio of
// quota to period may not exceed the parent's. With one order refused, the
// other one is right.
func limitCPU1(dir string, l Limits) error {
	if l.CPUShares != 0 {
		if err := writeNumber(dir, "cpu.shares", l.CPUShares, ""); err != nil {
			return err
		}
	}
	err := limitBoth1(dir, "cpu.cfs_period_us", l.CPUPeriod, "cpu.cfs_quota_us", l.CPUQuota)
	if errors.Is(err, unix.EINVAL) {
		err = limitBoth1(dir, "cpu.cfs_quota_us", l.CPUQuota, "cpu.cfs_period_us", l.CPUPeriod)
	}
	return err
}

// weight converts version 1's shares (2 to 262,144, usually 1,024) into
// version 2's weight (1 to 10,000, usually 100).
//
// The old formula, from crun's manual and long the one of every runtime, was a
// straight line between the ends, 1 + (shares-2)·9999/262142. It made 39 of
// 1,024, so that a container without wishes came off worse than the host's own
// services. This one is a parabola on the logarithms through all three points;
// runc has it since 1.3.2 and crun since 1.23 (opencontainers/cgroups pull
// request 20, kubernetes issue 131216).
func weight(shares int64) uint64 {
	if shares <= minShares {
		return 1
	}
	if shares >= maxShares {
		return 10_000
	}
	l := math.Log2(float64(shares))
	exponent := (l*l+125*l)/612 - 7.0/34
	return uint64(math.Ceil(math.Pow(10, exponent)))
}
