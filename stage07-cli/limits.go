package cli

import (
	"fmt"
	"strconv"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"
)

// parseLimits reads the flags that bound what a container may use. value gives
// a flag's text, "" where it wasn't given.
func parseLimits(value func(flag string) string) (engine.Limits, error) {
	limits := engine.Limits{CPUSetCPUs: value("cpuset-cpus"), CPUSetMems: value("cpuset-mems")}
	for _, flag := range []struct {
		name string
		read func(text string) error
	}{
		{"memory", into(&limits.Memory, cgroups.ParseBytes)},
		{"memory-swap", into(&limits.MemorySwap, cgroups.ParseBytes)},
		{"memory-reservation", into(&limits.MemoryReservation, cgroups.ParseBytes)},
		{"cpu-shares", into(&limits.CPUShares, count)},
		{"pids-limit", into(&limits.Pids, count)},
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
