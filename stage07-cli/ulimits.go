package cli

import (
	"fmt"
	"slices"

	"cooper/stage03-rootfs"
)

// parseUlimits reads --ulimit by stage 3's grammar. Of two for one resource the
// last counts.
func parseUlimits(values []string) ([]rootfs.Rlimit, error) {
	var limits []rootfs.Rlimit
	for _, value := range values {
		limit, err := rootfs.ParseUlimit(value)
		if err != nil {
			return nil, fmt.Errorf("--ulimit: %w", err)
		}
		limits = slices.DeleteFunc(limits, func(l rootfs.Rlimit) bool { return l.Type == limit.Type })
		limits = append(limits, limit)
	}
	return limits, nil
}
