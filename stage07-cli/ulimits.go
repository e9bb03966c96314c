package cli

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"cooper/stage03-rootfs"
)

// parseUlimits reads --ulimit NAME=SOFT[:HARD], in the kernel's units; see
// getrlimit(2). A soft limit alone is the hard one too, -1 is no limit, and of
// two for one resource the last counts.
func parseUlimits(values []string) ([]rootfs.Rlimit, error) {
	var limits []rootfs.Rlimit
	for _, value := range values {
		limit, err := parseUlimit(value)
		if err != nil {
			return nil, fmt.Errorf("--ulimit %q: %w", value, err)
		}
		limits = slices.DeleteFunc(limits, func(l rootfs.Rlimit) bool { return l.Type == limit.Type })
		limits = append(limits, limit)
	}
	return limits, nil
}

// ulimitNames are the resources by the names that setrlimit(2) and ulimit(1)
// have for them.
func ulimitNames() []string {
	return []string{"core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice",
		"nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"}
}

func parseUlimit(value string) (limit rootfs.Rlimit, err error) {
	name, numbers, found := strings.Cut(value, "=")
	if !found {
		return limit, fmt.Errorf("write NAME=SOFT:HARD, such as nofile=1024:4096")
	}
	if !slices.Contains(ulimitNames(), name) {
		return limit, fmt.Errorf("unknown resource %s: use one of %s", name, strings.Join(ulimitNames(), ", "))
	}
	limit.Type = "RLIMIT_" + strings.ToUpper(name)
	soft, hard, both := strings.Cut(numbers, ":")
	if !both {
		hard = soft
	}
	if limit.Soft, err = rlimitValue(soft); err != nil {
		return limit, err
	}
	if limit.Hard, err = rlimitValue(hard); err != nil {
		return limit, err
	}
	if limit.Soft > limit.Hard {
		return limit, fmt.Errorf("the soft limit %s is above the hard limit %s", soft, hard)
	}
	return limit, nil
}

func rlimitValue(text string) (uint64, error) {
	if text == "-1" {
		return math.MaxUint64, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q: write a whole number, or -1 for no limit", text)
	}
	return n, nil
}
