package cli

import (
	"testing"

	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

func limitsOf(flag, value string) (engine.Limits, error) {
	return parseLimits(func(name string) string { return map[string]string{flag: value}[name] })
}

func TestALimitIsReadInItsUnit(t *testing.T) {
	for _, c := range []struct {
		flag, value string
		want        engine.Limits
	}{
		{"memory", "64m", engine.Limits{Memory: 64 << 20}},
		{"memory", "1073741824", engine.Limits{Memory: 1 << 30}},
		{"memory", "1.5g", engine.Limits{Memory: 3 << 29}},
		{"memory-swap", "-1", engine.Limits{MemorySwap: -1}},
		{"memory-reservation", "32M", engine.Limits{MemoryReservation: 32 << 20}},
		{"cpus", "1.5", engine.Limits{CPUQuota: 150_000, CPUPeriod: 100_000}},
		{"cpu-shares", "512", engine.Limits{CPUShares: 512}},
		{"cpuset-cpus", "0-1", engine.Limits{CPUSetCPUs: "0-1"}},
		{"pids-limit", "50", engine.Limits{Pids: 50}},
		{"pids-limit", "-1", engine.Limits{Pids: -1}},
	} {
		limits, err := limitsOf(c.flag, c.value)
		require.NoError(t, err, c.flag+c.value)
		require.Equal(t, c.want, limits)
	}
}

func TestAWrongLimitIsRefused(t *testing.T) {
	for flag, values := range map[string][]string{
		"memory":      {"-2", "-1g", "much", "64x", "99999999999999999999", "9e30", "NaN"},
		"memory-swap": {"-2"},
		"cpus":        {"0", "-1", "1e400", "NaN", "inf", "two"},
		"cpu-shares":  {"0", "-5", "1.5"},
		"pids-limit":  {"0", "-2", "many", "99999999999"},
	} {
		for _, value := range values {
			_, err := limitsOf(flag, value)
			require.ErrorContains(t, err, "--"+flag, value)
		}
	}
}
