package cgroups

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The texts are captured from Linux 6.1 (version 2) and 6.18 (version 1).
func TestBothVersionsCountTheSame(t *testing.T) {
	two := fake(t, map[string]string{
		"cpu.stat":       "usage_usec 29680\nuser_usec 19411\nsystem_usec 10269\nnr_periods 7\nnr_throttled 3\nthrottled_usec 2500\n",
		"memory.current": "1048576\n", "memory.max": "67108864\n", "memory.peak": "2097152\n",
		"memory.events": "low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n",
		"memory.stat":   "anon 409600\nfile 638976\ninactive_file 524288\n",
		"pids.current":  "3\n", "pids.max": "50\n",
		"io.stat": "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n7:0 \n",
	})
	one := fake(t, map[string]string{
		"cpuacct.usage": "29680000\n", "cpuacct.stat": "user 2\nsystem 1\n",
		"cpu.stat":              "nr_periods 7\nnr_throttled 3\nthrottled_time 2500000\nnr_bursts 0\n",
		"memory.usage_in_bytes": "1048576\n", "memory.limit_in_bytes": "67108864\n", "memory.max_usage_in_bytes": "2097152\n", "memory.failcnt": "4\n",
		"memory.stat":        "inactive_file 4096\ntotal_inactive_file 524288\n",
		"memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
		"pids.current":       "3\n", "pids.max": "50\n",
		"blkio.throttle.io_service_bytes_recursive": "8:16 Read 1459200\n8:16 Write 314773504\n8:16 Sync 0\nTotal 316232704\n",
		"blkio.throttle.io_serviced_recursive":      "8:16 Read 192\n8:16 Write 353\nTotal 545\n",
	})
	for version, dir := range map[int]string{1: one, 2: two} {
		g := &Group{version: version, places: []place{{dir: dir, controllers: controllers}}}
		s, err := g.Stats()
		require.NoError(t, err)
		require.EqualValues(t, 29_680_000, s.CPU.Usage)
		require.InDelta(t, 19_411_000, s.CPU.User, 1e7)
		require.InDelta(t, 10_269_000, s.CPU.System, 1e7)
		require.EqualValues(t, []uint64{7, 3, 2_500_000}, []uint64{s.CPU.Periods, s.CPU.ThrottledPeriods, s.CPU.ThrottledTime})
		require.EqualValues(t, 1<<20, s.Memory.Usage)
		require.EqualValues(t, 1<<19, s.Memory.Working())
		require.EqualValues(t, []uint64{64 << 20, 2 << 20, 4}, []uint64{s.Memory.Limit, s.Memory.MaxUsage, s.Memory.Failures})
		require.Equal(t, PidsStats{Current: 3, Limit: 50}, s.Pids)
		require.Equal(t, []DeviceIO{{Major: 8, Minor: 16, ReadBytes: 1459200, WriteBytes: 314773504, Reads: 192, Writes: 353}}, s.IO)
		kills, err := g.OOMKills()
		require.NoError(t, err)
		require.EqualValues(t, 1, kills)
	}
}

func TestNoLimitIsZeroInBothVersions(t *testing.T) {
	dir := fake(t, map[string]string{"one": "9223372036854771712\n", "two": "max\n", "wrong": "many\n"})
	for _, file := range []string{"one", "two"} {
		n, err := readNumber(dir, file)
		require.NoError(t, err)
		require.Zero(t, n)
	}
	_, err := readNumber(dir, "wrong")
	require.ErrorContains(t, err, "wrong")
}

func TestAGroupThatIsGoneHasNoCounters(t *testing.T) {
	g := &Group{version: 2, places: []place{{dir: filepath.Join(t.TempDir(), "gone")}}}
	_, err := g.Stats()
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestWorkingMemoryIsNeverNegative(t *testing.T) {
	require.Zero(t, MemoryStats{Usage: 1, InactiveFile: 2}.Working())
}
