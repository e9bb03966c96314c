package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// cgroupFile reads a file of the container's cgroup: by its name in version 2,
// or in version 1 by controller and name. "" stands for a file that this kernel
// doesn't have.
func (s *subject) cgroupFile(v2, controller, v1 string) string {
	system, err := cgroups.Detect()
	require.NoError(s, err)
	name := v2
	if system.Version == 1 {
		name = v1
	}
	for _, h := range system.Hierarchies {
		if system.Version == 1 && !contains(h.Controllers, controller) || name == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(h.Mountpoint, s.cgroup(), name))
		if os.IsNotExist(err) {
			return ""
		}
		require.NoError(s, err)
		return strings.TrimSpace(string(text))
	}
	return ""
}

func contains(list []string, word string) bool {
	for _, one := range list {
		if one == word {
			return true
		}
	}
	return false
}

// cgroup is where inspect says that the container's cgroup is.
func (s *subject) cgroup() string {
	parent := s.in.HostConfig.CgroupParent
	if parent == "" {
		parent = "cooper"
	}
	return filepath.Join(parent, s.in.ID)
}

func cgroupPath(s *subject) {
	found := 0
	for line := range strings.Lines(s.proc("cgroup")) {
		if strings.HasSuffix(strings.TrimSpace(line), s.cgroup()) {
			found++
		}
	}
	require.NotZero(s, found, "HostConfig.CgroupParent: %s", s.proc("cgroup"))
}

// limitText is how a file of either version shows a limit.
func limitText(limit int64, none string) string {
	if limit <= 0 {
		return none
	}
	return strconv.FormatInt(limit, 10)
}

func memoryLimits(s *subject) {
	h := s.in.HostConfig
	const v1None = "9223372036854771712" // the largest number of whole pages
	for _, limit := range []struct {
		name           string
		told           int64
		v2, v1, v2None string
	}{
		{"Memory", h.Memory, "memory.max", "memory.limit_in_bytes", "max"},
		{"MemoryReservation", h.MemoryReservation, "memory.low", "memory.soft_limit_in_bytes", "0"},
		{"MemorySwap", h.MemorySwap, "", "memory.memsw.limit_in_bytes", ""},
	} {
		kernels := s.cgroupFile(limit.v2, "memory", limit.v1)
		switch kernels {
		case "":
			continue
		case v1None, limit.v2None:
			kernels = ""
		}
		s.is(limit.name, limitText(limit.told, ""), kernels)
	}
}

func cpuLimits(s *subject) {
	h := s.in.HostConfig
	quota, period := s.cgroupFile("", "cpu", "cpu.cfs_quota_us"), s.cgroupFile("", "cpu", "cpu.cfs_period_us")
	if both := s.cgroupFile("cpu.max", "", ""); both != "" {
		quota, period, _ = strings.Cut(both, " ")
	}
	if quota == "-1" || quota == "max" {
		quota = ""
	}
	s.is("CpuQuota", limitText(h.CPUQuota, ""), quota)
	if h.CPUPeriod != 0 {
		s.is("CpuPeriod", limitText(h.CPUPeriod, ""), period)
	} else {
		s.is("CpuPeriod", "100000", period)
	}
	if h.NanoCpus != 0 {
		q, _ := strconv.ParseInt(quota, 10, 64)
		p, _ := strconv.ParseInt(period, 10, 64)
		s.is("NanoCpus", h.NanoCpus, q*1_000_000_000/p)
	}
	if shares := s.cgroupFile("", "cpu", "cpu.shares"); shares != "" {
		s.is("CpuShares", limitText(h.CPUShares, "1024"), shares)
	}
	if h.CpusetCpus != "" {
		s.is("CpusetCpus", h.CpusetCpus, s.cgroupFile("cpuset.cpus", "cpuset", "cpuset.cpus"))
	}
}

// aDisk is a disk of this machine, if its cgroups can limit one.
func aDisk() *cgroups.ThrottleDevice {
	system, err := cgroups.Detect()
	if err != nil {
		return nil
	}
	controller := map[int]string{1: "blkio", 2: "io"}[system.Version]
	disks, _ := filepath.Glob("/sys/block/*")
	for _, h := range system.Hierarchies {
		for _, disk := range disks {
			path := "/dev/" + filepath.Base(disk)
			var st unix.Stat_t
			if contains(h.Controllers, controller) && unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFBLK {
				return &cgroups.ThrottleDevice{Path: path, Major: int64(unix.Major(st.Rdev)), Minor: int64(unix.Minor(st.Rdev))}
			}
		}
	}
	return nil
}

func ioLimits(s *subject) {
	h := s.in.HostConfig
	for _, limit := range []struct {
		name, v1, v2 string
		told         []engine.InspectRate
	}{
		{"BlkioDeviceReadBps", "blkio.throttle.read_bps_device", "rbps", h.BlkioDeviceReadBps},
		{"BlkioDeviceWriteBps", "blkio.throttle.write_bps_device", "wbps", h.BlkioDeviceWriteBps},
		{"BlkioDeviceReadIOps", "blkio.throttle.read_iops_device", "riops", h.BlkioDeviceReadIOps},
		{"BlkioDeviceWriteIOps", "blkio.throttle.write_iops_device", "wiops", h.BlkioDeviceWriteIOps},
	} {
		var told []string
		for _, rate := range limit.told {
			var st unix.Stat_t
			require.NoError(s, unix.Stat(rate.Path, &st))
			told = append(told, fmt.Sprintf("%d:%d %d", unix.Major(st.Rdev), unix.Minor(st.Rdev), rate.Rate))
		}
		s.is(limit.name, told, rates(s.cgroupFile("io.max", "blkio", limit.v1), limit.v2))
	}
}

// rates lists device and rate as the kernel has them: in version 1 these are the
// lines of a file, in version 2 the rate is one of several on a line.
func rates(text, key string) (list []string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		for _, word := range words[1:] {
			name, rate, isNamed := strings.Cut(word, "=")
			if !isNamed {
				rate = word
			}
			if rate != "max" && (!isNamed || name == key) {
				list = append(list, words[0]+" "+rate)
			}
		}
	}
	return list
}

func pidsLimit(s *subject) {
	s.is("PidsLimit", limitText(s.in.HostConfig.PidsLimit, "max"), s.cgroupFile("pids.max", "pids", "pids.max"))
}

// deviceRules looks at the list of version 1. The program of version 2 can't be
// read; stage 2's tests try it.
func deviceRules(s *subject) {
	list := s.cgroupFile("", "devices", "devices.list")
	if list == "" {
		return
	}
	rules := strings.Split(list, "\n")
	s.is("Privileged", s.in.HostConfig.Privileged, contains(rules, "a *:* rwm"))
	for _, device := range s.in.HostConfig.Devices {
		if !s.in.HostConfig.Privileged {
			// To make nodes is allowed for all devices, and shown with each.
			require.Contains(s, rules, "c 1:11 "+strings.TrimSuffix(device.CgroupPermissions, "m")+"m")
		}
	}
}
