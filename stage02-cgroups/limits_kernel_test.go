package cgroups

import (
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

const mib = 1 << 20

func TestBeyondItsMemoryAContainerIsKilledAndThatIsCounted(t *testing.T) {
	notrace.Check(t)
	s := container("tail", "/dev/zero") // looks for the end of a line that has none
	s.Limits = Limits{Memory: 16 * mib, MemorySwap: 16 * mib}
	c := start(t, s)
	_, code := c.end(t)
	require.Equal(t, 137, code)
	kills, err := c.group(t).OOMKills()
	require.NoError(t, err)
	require.EqualValues(t, 1, kills)
	stats, err := c.group(t).Stats()
	require.NoError(t, err)
	require.EqualValues(t, 16*mib, stats.Memory.Limit)
	require.Greater(t, stats.Memory.MaxUsage, uint64(15*mib))
}

func TestACommandThatEndsWellHasNoKills(t *testing.T) {
	notrace.Check(t)
	s := container("true")
	s.Limits.Memory = 64 * mib
	c := start(t, s)
	_, code := c.end(t)
	require.Zero(t, code)
	kills, err := c.group(t).OOMKills()
	require.NoError(t, err)
	require.Zero(t, kills)
}

func TestAQuotaMakesABusyLoopStandStill(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")
	s.Limits = Limits{CPUQuota: 2_000, CPUPeriod: 10_000}
	c := start(t, s)
	_, code := c.end(t)
	require.Zero(t, code)
	stats, err := c.group(t).Stats()
	require.NoError(t, err)
	require.Positive(t, stats.CPU.Usage)
	require.Positive(t, stats.CPU.ThrottledPeriods)
	require.Positive(t, stats.CPU.ThrottledTime)
	require.GreaterOrEqual(t, stats.CPU.Periods, stats.CPU.ThrottledPeriods)
}

func TestACpusetIsWhereTheCommandRuns(t *testing.T) {
	notrace.Check(t)
	s := container("grep", "Cpus_allowed_list", "/proc/self/status")
	s.Limits.CPUSetCPUs, s.Limits.CPUSetMems = "0", "0"
	output, code := start(t, s).end(t)
	require.Zero(t, code)
	require.Equal(t, "Cpus_allowed_list:\t0\n", output)
}

func TestLimitsChangeWhileTheCommandRuns(t *testing.T) {
	notrace.Check(t)
	s := container("sleep", "1000")
	s.Limits = Limits{Memory: 64 * mib, Pids: 50}
	g := start(t, s).group(t)
	for _, c := range []struct {
		limits Limits
		memory uint64
		pids   uint64
	}{
		{Limits{}, 64 * mib, 50},
		{Limits{Memory: 32 * mib, MemorySwap: 48 * mib}, 32 * mib, 50},                  // down: memory first
		{Limits{Memory: 256 * mib, MemorySwap: 256 * mib, Pids: 60}, 256 * mib, 60},     // up: the sum first
		{Limits{Memory: 16 * mib, MemorySwap: Unlimited, Pids: Unlimited}, 16 * mib, 0}, // each its own way
		{Limits{Memory: Unlimited, MemorySwap: Unlimited, CPUQuota: 50_000, CPUShares: 2}, 0, 0},
		{Limits{CPUQuota: Unlimited, CPUPeriod: 10_000, CPUShares: 1024, CPUSetCPUs: "0"}, 0, 0},
		{Limits{Pids: 3}, 0, 3}, // no birth: any number will do
	} {
		require.NoError(t, g.Update(c.limits), "%+v", c.limits)
		stats, err := g.Stats()
		require.NoError(t, err)
		require.Equal(t, c.memory, stats.Memory.Limit, "%+v", c.limits)
		require.Equal(t, c.pids, stats.Pids.Limit, "%+v", c.limits)
	}
	require.Error(t, g.Update(Limits{Memory: 1}))
}

func TestTheCountersTellWhatRuns(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", "sleep 1000 & sleep 1000 & exec sleep 1000")
	g := start(t, s).group(t)
	pids, err := g.Procs()
	require.NoError(t, err)
	stats, err := g.Stats()
	require.NoError(t, err)
	require.Positive(t, stats.CPU.Usage)
	require.Positive(t, stats.Memory.Usage)
	require.NotEmpty(t, stats.Memory.Detail)
	require.LessOrEqual(t, stats.Memory.Working(), stats.Memory.Usage)
	require.Zero(t, stats.Memory.Limit)
	require.GreaterOrEqual(t, stats.Pids.Current, uint64(1))
	require.LessOrEqual(t, len(pids), 3)
}
