package cli

import (
	"fmt"
	"reflect"
	"strconv"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

// limitFlags are those of run, create, plan and update that bound what a
// container may use.
func limitFlags() []urfave.Flag {
	return []urfave.Flag{
		text("memory m", "Limit memory to `bytes`, such as 64m"),
		text("memory-swap", "Limit memory and swap together to `bytes`; -1 is no limit"),
		text("memory-reservation", "Protect `bytes` of memory when it gets scarce"),
		text("cpus", "Limit to a `number` of processors, such as 1.5"),
		text("cpu-period", "Count the processor time in periods of so many `microseconds` (default 100000)"),
		text("cpu-quota", "Limit to so many `microseconds` of processor time in each period; -1 is no limit"),
		text("cpu-shares c", "Give a `weight` against other containers (default 1024)"),
		text("cpuset-cpus", "Use only the processors of `list`, such as 0-2,4"),
		text("cpuset-mems", "Use only the memory nodes of `list`"),
		text("blkio-weight", "Give a `weight` from 10 to 1000 against others when a disk is busy"),
		text("pids-limit", "Limit to a `number` of processes (default 2048); -1 is no limit"),
	}
}

// parseLimits reads these flags. value gives a flag's text, "" where it wasn't
// given.
func parseLimits(value func(flag string) string) (engine.Limits, error) {
	limits := engine.Limits{CPUSetCPUs: value("cpuset-cpus"), CPUSetMems: value("cpuset-mems")}
	if value("cpus") != "" && (value("cpu-period") != "" || value("cpu-quota") != "") {
		return limits, fmt.Errorf("--cpus: it is a quota and a period in one, so leave out --cpu-period and --cpu-quota")
	}
	for _, flag := range []struct {
		name string
		read func(text string) error
	}{
		{"memory", into(&limits.Memory, cgroups.ParseBytes)},
		{"memory-swap", into(&limits.MemorySwap, cgroups.ParseBytes)},
		{"memory-reservation", into(&limits.MemoryReservation, cgroups.ParseBytes)},
		{"cpu-period", into(&limits.CPUPeriod, count)},
		{"cpu-quota", into(&limits.CPUQuota, count)},
		{"cpu-shares", into(&limits.CPUShares, count)},
		{"pids-limit", into(&limits.Pids, count)},
		{"blkio-weight", func(text string) (err error) {
			limits.BlkioWeight, err = weight(text)
			return err
		}},
		{"cpus", func(text string) (err error) {
			limits.CPUQuota, limits.CPUPeriod, err = cgroups.ParseCPUs(text)
			return err
		}},
	} {
		if text := value(flag.name); text != "" {
			if err := flag.read(text); err != nil {
				return limits, fmt.Errorf("--%s: %w", flag.name, err)
			}
		}
	}
	return limits, nil
}

// into reads a flag's text to a field.
func into(field *int64, read func(string) (int64, error)) func(string) error {
	return func(text string) (err error) {
		*field, err = read(text)
		return err
	}
}

// count reads a number of things, or -1 for no limit.
func count(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 1 && n != cgroups.Unlimited {
		return 0, fmt.Errorf("%q: write a whole number above 0, or -1 for no limit", text)
	}
	return n, nil
}

// weight reads a weight of the io controller.
func weight(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n < 10 || n > 1000 {
		return 0, fmt.Errorf("%q: write a whole number from 10 to 1000", text)
	}
	return uint16(n), nil
}

// isZero reports limits that ask for nothing.
func isZero(limits engine.Limits) bool { return reflect.ValueOf(limits).IsZero() }
