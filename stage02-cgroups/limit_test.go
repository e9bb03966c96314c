package cgroups

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fake makes a directory with the files that a controller would have.
func fake(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, entry := range entries {
		text, err := read(dir, entry.Name())
		require.NoError(t, err)
		files[entry.Name()] = text
	}
	return files
}

func TestLimitsBecomeTheKernelsFiles(t *testing.T) {
	memory2 := map[string]string{"memory.max": "max", "memory.swap.max": "max", "memory.low": "0"}
	memory1 := map[string]string{"memory.limit_in_bytes": "9223372036854771712", "memory.memsw.limit_in_bytes": "9223372036854771712", "memory.soft_limit_in_bytes": "9223372036854771712"}
	cpu2 := map[string]string{"cpu.max": "max 100000", "cpu.weight": "100"}
	cpu1 := map[string]string{"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000", "cpu.shares": "1024"}
	bfq1 := map[string]string{"blkio.bfq.weight": "100", "blkio.bfq.weight_device": ""}
	cfq1 := map[string]string{"blkio.weight": "500", "blkio.weight_device": ""}
	bfq2 := map[string]string{"io.bfq.weight": "default 100", "io.weight": "default 100"}
	swappiness, handles, objects := int64(0), uint32(2), uint32(2000)
	weights := []WeightDevice{{Major: 8, Minor: 16, Weight: 10}}
	rate := []ThrottleDevice{{Major: 8, Minor: 16, Rate: 1 * 1024 * 1024}}
	const m = 1 << 20
	for _, c := range []struct {
		name    string
		version int
		limits  Limits
		before  map[string]string
		changed map[string]string
	}{
		{"v2: memory alone allows as much swap again", 2, Limits{Memory: 64 * m}, memory2, map[string]string{"memory.max": "67108864", "memory.swap.max": "67108864"}},
		{"v2: swap is what is left of the sum", 2, Limits{Memory: 64 * m, MemorySwap: 80 * m}, memory2, map[string]string{"memory.max": "67108864", "memory.swap.max": "16777216"}},
		{"v2: equal sums mean no swap", 2, Limits{Memory: 64 * m, MemorySwap: 64 * m}, memory2, map[string]string{"memory.max": "67108864", "memory.swap.max": "0"}},
		{"v2: any amount of swap", 2, Limits{Memory: 64 * m, MemorySwap: -1}, memory2, map[string]string{"memory.max": "67108864"}},
		{"v2: no swap accounting, nobody asked", 2, Limits{Memory: 64 * m}, map[string]string{"memory.max": "max"}, map[string]string{"memory.max": "67108864"}},
		{"v2: a reservation", 2, Limits{MemoryReservation: 8 * m}, memory2, map[string]string{"memory.low": "8388608"}},
		{"v2: nothing asked", 2, Limits{}, memory2, nil},
		{"v1: memory alone allows as much swap again", 1, Limits{Memory: 64 * m}, memory1, map[string]string{"memory.limit_in_bytes": "67108864", "memory.memsw.limit_in_bytes": "134217728"}},
		{"v1: the sum as given", 1, Limits{Memory: 64 * m, MemorySwap: 80 * m}, memory1, map[string]string{"memory.limit_in_bytes": "67108864", "memory.memsw.limit_in_bytes": "83886080"}},
		{"v1: any amount of swap", 1, Limits{Memory: 64 * m, MemorySwap: -1}, memory1, map[string]string{"memory.limit_in_bytes": "67108864", "memory.memsw.limit_in_bytes": "-1"}},
		{"v2: no swap accounting, none wanted", 2, Limits{Memory: 64 * m, MemorySwap: 64 * m}, map[string]string{"memory.max": "max"}, map[string]string{"memory.max": "67108864"}},
		{"v2: no limit any more means none of swap either", 2, Limits{Memory: -1}, map[string]string{"memory.max": "1", "memory.swap.max": "1"}, map[string]string{"memory.max": "max", "memory.swap.max": "max"}},
		{"v1: no limit any more means none of the sum either", 1, Limits{Memory: -1}, memory1, map[string]string{"memory.limit_in_bytes": "-1", "memory.memsw.limit_in_bytes": "-1"}},
		{"v2: the OOM killer takes all", 2, Limits{OOMGroup: true}, map[string]string{"memory.oom.group": "0"}, map[string]string{"memory.oom.group": "1"}},
		{"v1: no OOM killer, no swapping", 1, Limits{OOMKillDisable: true, MemorySwappiness: &swappiness},
			map[string]string{"memory.oom_control": "", "memory.swappiness": "60"}, map[string]string{"memory.oom_control": "1", "memory.swappiness": "0"}},
		{"v1: weights of bfq", 1, Limits{BlkioWeight: 300, BlkioWeightDevice: weights}, bfq1, map[string]string{"blkio.bfq.weight": "300", "blkio.bfq.weight_device": "8:16 10"}},
		{"v1: weights before bfq", 1, Limits{BlkioWeight: 300, BlkioWeightDevice: weights}, cfq1, map[string]string{"blkio.weight": "300", "blkio.weight_device": "8:16 10"}},
		{"v2: weights for whoever heeds them", 2, Limits{BlkioWeight: 500}, bfq2, map[string]string{"io.bfq.weight": "500", "io.weight": "4950"}},
		{"v2: weights of a device", 2, Limits{BlkioWeightDevice: weights}, bfq2, map[string]string{"io.bfq.weight": "8:16 10", "io.weight": "8:16 1"}},
		{"v2: a weight without bfq", 2, Limits{BlkioWeight: 1000}, map[string]string{"io.weight": ""}, map[string]string{"io.weight": "10000"}},
		{"v1: a rate in each direction", 1, Limits{DeviceReadBps: rate, DeviceWriteIOps: []ThrottleDevice{{Major: 8, Minor: 0}}},
			map[string]string{"blkio.throttle.read_bps_device": "", "blkio.throttle.write_iops_device": "8:0 100"},
			map[string]string{"blkio.throttle.read_bps_device": "8:16 1048576", "blkio.throttle.write_iops_device": "8:0 0"}},
		{"v2: a rate", 2, Limits{DeviceWriteBps: rate}, map[string]string{"io.max": ""}, map[string]string{"io.max": "8:16 wbps=1048576"}},
		{"v2: no rate any more", 2, Limits{DeviceReadIOps: []ThrottleDevice{{Major: 8, Minor: 16}}}, map[string]string{"io.max": ""}, map[string]string{"io.max": "8:16 riops=max"}},
		{"v1: huge pages", 1, Limits{HugepageLimits: []HugepageLimit{{"2MB", 4 * m}}},
			map[string]string{"hugetlb.2MB.limit_in_bytes": ""}, map[string]string{"hugetlb.2MB.limit_in_bytes": "4194304"}},
		{"v2: huge pages, used and promised", 2, Limits{HugepageLimits: []HugepageLimit{{"2MB", 0}}},
			map[string]string{"hugetlb.2MB.max": "max", "hugetlb.2MB.rsvd.max": "max"}, map[string]string{"hugetlb.2MB.max": "0", "hugetlb.2MB.rsvd.max": "0"}},
		{"rdma", 2, Limits{Rdma: map[string]RdmaLimit{"mlx5_1": {&handles, &objects}}}, map[string]string{"rdma.max": ""}, map[string]string{"rdma.max": "mlx5_1 hca_handle=2 hca_object=2000"}},
		{"v2: a raw setting has the last word", 2, Limits{Pids: 50, Unified: map[string]string{"pids.max": "60\n", "cpu.idle": "1"}},
			map[string]string{"pids.max": "max", "cpu.idle": "0"}, map[string]string{"pids.max": "60", "cpu.idle": "1"}},
		{"v1: no swap accounting, nobody asked", 1, Limits{Memory: 64 * m}, map[string]string{"memory.limit_in_bytes": ""}, map[string]string{"memory.limit_in_bytes": "67108864"}},
		{"v1: a reservation", 1, Limits{MemoryReservation: 8 * m}, memory1, map[string]string{"memory.soft_limit_in_bytes": "8388608"}},
		{"v2: quota and period", 2, Limits{CPUQuota: 150000, CPUPeriod: 50000}, cpu2, map[string]string{"cpu.max": "150000 50000"}},
		{"v2: a quota keeps the period", 2, Limits{CPUQuota: 150000}, cpu2, map[string]string{"cpu.max": "150000 100000"}},
		{"v2: a period keeps the quota", 2, Limits{CPUPeriod: 50000}, cpu2, map[string]string{"cpu.max": "max 50000"}},
		{"v2: no quota any more", 2, Limits{CPUQuota: -1}, map[string]string{"cpu.max": "5000 10000"}, map[string]string{"cpu.max": "max 10000"}},
		{"v2: shares become a weight", 2, Limits{CPUShares: 512}, cpu2, map[string]string{"cpu.weight": "59"}},
		{"v1: quota, period, shares", 1, Limits{CPUQuota: 150000, CPUPeriod: 50000, CPUShares: 512}, cpu1, map[string]string{"cpu.cfs_quota_us": "150000", "cpu.cfs_period_us": "50000", "cpu.shares": "512"}},
		{"v1: no quota any more", 1, Limits{CPUQuota: -1}, map[string]string{"cpu.cfs_quota_us": "50000"}, map[string]string{"cpu.cfs_quota_us": "-1"}},
		{"cpuset", 2, Limits{CPUSetCPUs: "0-1,3", CPUSetMems: "0"}, map[string]string{"cpuset.cpus": "", "cpuset.mems": ""}, map[string]string{"cpuset.cpus": "0-1,3", "cpuset.mems": "0"}},
		{"pids", 2, Limits{Pids: 50}, map[string]string{"pids.max": "max"}, map[string]string{"pids.max": "50"}},
		{"pids, lifted", 1, Limits{Pids: -1}, map[string]string{"pids.max": "50"}, map[string]string{"pids.max": "max"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := fake(t, c.before)
			g := &Group{version: c.version, places: []place{{dir: dir, controllers: controllers}}}
			require.NoError(t, g.set(c.limits.forNewGroup()))
			want := map[string]string{}
			for name, text := range c.before {
				want[name] = text
			}
			for name, text := range c.changed {
				want[name] = text
			}
			require.Equal(t, want, contents(t, dir))
		})
	}
}

func TestALimitThatTheMachineCannotKeepSaysWhy(t *testing.T) {
	none := &Group{version: 1, places: []place{{dir: t.TempDir(), controllers: []string{"freezer"}}}}
	require.ErrorContains(t, none.Update(Limits{Pids: 50}), "no pids controller mounted")
	empty := &Group{version: 2, places: []place{{dir: t.TempDir()}}}
	err := empty.Update(Limits{Memory: 64 << 20, MemorySwap: 64 << 20})
	require.ErrorContains(t, err, "limit memory: the controller is not enabled")
	require.ErrorIs(t, err, os.ErrNotExist)
	swap := &Group{version: 2, places: []place{{dir: fake(t, map[string]string{"memory.max": "max", "memory.swap.max": "max"})}}}
	require.ErrorContains(t, swap.Update(Limits{MemorySwap: 64 << 20}), "needs a memory limit")
	one := &Group{version: 1, places: []place{{dir: t.TempDir(), controllers: controllers}}}
	swappiness := int64(10)
	for _, c := range []struct {
		group  *Group
		limits Limits
		says   string
	}{
		{one, Limits{OOMGroup: true}, "one process at a time"},
		{one, Limits{Unified: map[string]string{"memory.high": "1"}}, "raw settings are for version 2"},
		{one, Limits{BlkioWeight: 500}, "blkio.bfq.weight or blkio.weight"},
		{one, Limits{HugepageLimits: []HugepageLimit{{"2MB", 0}}}, "/sys/kernel/mm/hugepages"},
		{none, Limits{HugepageLimits: []HugepageLimit{{"2MB", 0}}}, "no hugetlb controller mounted"},
		{empty, Limits{OOMKillDisable: true}, "can't keep the OOM killer away"},
		{empty, Limits{MemorySwappiness: &swappiness}, "version 2 of cgroups has none"},
		{empty, Limits{Unified: map[string]string{"memory.high": "1"}}, "limit unified: the controller is not enabled"},
		{empty, Limits{DeviceReadBps: []ThrottleDevice{{Rate: 1}}}, "limit blkio: the controller is not enabled"},
	} {
		require.ErrorContains(t, c.group.Update(c.limits), c.says, "%+v", c.limits)
	}
}

func TestImpossibleLimitsAreRefusedBeforeAnythingIsMade(t *testing.T) {
	tooMuch := int64(101)
	for _, c := range []struct {
		limits Limits
		says   string
	}{
		{Limits{Memory: 1 << 20}, "at least 6m"},
		{Limits{Memory: -2}, "must not be negative"},
		{Limits{Memory: 1 << 62}, "more than any machine has"},
		{Limits{Memory: 64 << 20, MemorySwap: 32 << 20}, "can't be below the memory limit"},
		{Limits{Memory: 64 << 20, MemoryReservation: 128 << 20}, "reservation"},
		{Limits{CPUQuota: 10}, "at least 1000"},
		{Limits{CPUQuota: -5}, "at least 1000"},
		{Limits{CPUPeriod: 1}, "from 1000 to 1000000"},
		{Limits{CPUPeriod: 2_000_000}, "from 1000 to 1000000"},
		{Limits{CPUShares: 1}, "from 2 to 262144"},
		{Limits{CPUShares: 1 << 40}, "from 2 to 262144"},
		{Limits{CPUSetCPUs: "0-9999999999"}, "numbers and ranges"},
		{Limits{CPUSetCPUs: "3-1"}, "numbers and ranges"},
		{Limits{CPUSetCPUs: "0,,1"}, "numbers and ranges"},
		{Limits{CPUSetCPUs: "0\n1"}, "numbers and ranges"},
		{Limits{CPUSetMems: "-1"}, "numbers and ranges"},
		{Limits{CPUSetMems: "8192"}, "numbers and ranges"},
		{Limits{Pids: -2}, "must not be negative"},
		{Limits{MemorySwappiness: &tooMuch}, "from 0 to 100"},
		{Limits{OOMGroup: true, OOMKillDisable: true}, "can't both"},
		{Limits{BlkioWeight: 9}, "from 10 to 1000"},
		{Limits{BlkioWeight: 1001}, "from 10 to 1000"},
		{Limits{BlkioWeightDevice: []WeightDevice{{Major: 8}}}, "from 10 to 1000"},
		{Limits{BlkioWeightDevice: []WeightDevice{{Major: -1, Weight: 10}}}, "no such numbers"},
		{Limits{DeviceWriteIOps: []ThrottleDevice{{Minor: 1 << 20}}}, "no such numbers"},
		{Limits{HugepageLimits: []HugepageLimit{{Pagesize: "2MB/../../x"}}}, "2MB or 1GB"},
		{Limits{HugepageLimits: []HugepageLimit{{Pagesize: "2"}}}, "2MB or 1GB"},
		{Limits{Rdma: map[string]RdmaLimit{"mlx5 hca_handle=1": {}}}, "rdma device"},
		{Limits{Rdma: map[string]RdmaLimit{"mlx5_1": {}}}, "neither"},
	} {
		require.ErrorContains(t, c.limits.validate(), c.says, "%+v", c.limits)
	}
	require.NoError(t, Limits{}.validate())
	require.NoError(t, Limits{Memory: -1, MemorySwap: -1, CPUQuota: -1, Pids: -1, CPUSetCPUs: "0-3,7"}.validate())
}

// A raw setting names one file of the group itself, and one that limits: not
// another group's, and none by which processes come in or go out.
func TestARawSettingIsOneFileThatLimits(t *testing.T) {
	for _, file := range []string{"", ".", "..", "memory", ".max", "memory.", "../memory.max", "memory.max/../../x", "/etc/x.y", "a/b.c", "memory.max\n", "memory.max\x00",
		"cgroup.procs", "cgroup.threads", "cgroup.kill", "cgroup.freeze", "cgroup.type", "cgroup.subtree_control"} {
		require.ErrorContains(t, Limits{Unified: map[string]string{file: "1"}}.validate(), "unified setting", "%q", file)
	}
	for file, value := range map[string]string{"memory.high": " \n", "pids.max": "3"} {
		require.ErrorContains(t, Limits{Unified: map[string]string{file: value}}.validate(), "unified setting "+file)
	}
	for file, value := range map[string]string{"memory.high": "60M", "cgroup.max.descendants": "10", "pids.max": "max", "io.max": "8:0 rbps=1\n8:16 rbps=1"} {
		require.NoError(t, Limits{Unified: map[string]string{file: value}}.validate(), file)
	}
}

// S26: numbers are judged as numbers, never counted out; "0-999999999" made
// Docker's daemon expand a list until it died (CVE-2018-20699).
func TestHugeNumbersAreRefusedAtOnce(t *testing.T) {
	for _, list := range []string{"0-999999999", "0-9999999999", "0-65535", "1,0-18446744073709551615"} {
		for _, l := range []Limits{{CPUSetCPUs: list}, {CPUSetMems: list}} {
			require.Error(t, l.validate(), list)
			require.Less(t, testing.AllocsPerRun(3, func() { _ = l.validate() }), 100.0, list)
		}
	}
	for _, size := range []string{"99999999999999999999", "9e18", "1e400", strings.Repeat("9", 1<<16) + "t"} {
		_, err := ParseBytes(size)
		require.Error(t, err)
	}
}

func TestTheUsualSharesAreTheUsualWeight(t *testing.T) {
	for shares, want := range map[int64]uint64{2: 1, 1024: 100, 262144: 10_000, 512: 59, 2048: 174} {
		require.Equal(t, want, weight(shares), "%d", shares)
	}
	for shares := int64(minShares); shares < maxShares; shares += 17 {
		require.LessOrEqual(t, weight(shares), weight(shares+17))
	}
}
