package engine

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"cooper/stage02-cgroups"
	"cooper/stage03-rootfs"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/jsonlog"
)

func (c *container) inspectHostConfig(s *network.Spec) InspectHostConfig {
	o := &c.config.Options
	h := InspectHostConfig{
		NetworkMode: networkMode(o, s), PortBindings: asked(o.Ports), PublishAllPorts: o.PublishAll, AutoRemove: o.AutoRemove,
		Privileged: o.Privileged, ReadonlyRootfs: o.ReadOnly,
		SecurityOpt: o.SecurityOpt, LogConfig: inspectLog(o.Log), Runtime: "cooper", CgroupParent: o.CgroupParent, Annotations: o.Annotations,
		ShmSize: shmSize(s),
		Memory:  s.Limits.Memory, MemoryReservation: s.Limits.MemoryReservation, MemorySwap: memorySwap(s.Limits),
		CPUPeriod: s.Limits.CPUPeriod, CPUQuota: s.Limits.CPUQuota, CPUShares: s.Limits.CPUShares,
		CpusetCpus: s.Limits.CPUSetCPUs, CpusetMems: s.Limits.CPUSetMems, PidsLimit: s.Limits.Pids,
		ExtraHosts: o.ExtraHosts, DNS: o.DNS, DNSSearch: o.DNSSearch, DNSOptions: o.DNSOptions, MaskedPaths: s.MaskedPaths, ReadonlyPaths: s.ReadonlyPaths,
	}
	h.CapAdd, h.CapDrop, h.GroupAdd = o.CapAdd, o.CapDrop, o.Groups
	h.DeviceCgroupRules = o.DeviceRules
	h.MemorySwappiness, h.OomKillDisable = s.Limits.MemorySwappiness, s.Limits.OOMKillDisable
	h.inspectIO(s.Limits)
	h.inspectSharing(o)
	h.inspectProcess(o)
	if s.Limits.CPUQuota > 0 && s.Limits.CPUPeriod > 0 {
		h.NanoCpus = s.Limits.CPUQuota * 1_000_000_000 / s.Limits.CPUPeriod
	}
	if o.Init {
		h.Init = &o.Init
	}
	for _, m := range o.Mounts {
		switch {
		case m.Type == "tmpfs":
			put(&h.Tmpfs, m.Destination, strings.Join(m.Options, ","))
		case m.Source != "":
			h.Binds = append(h.Binds, bindText(m))
		}
	}
	return h
}

// inspectIO tells the limits of disks.
func (h *InspectHostConfig) inspectIO(l Limits) {
	h.BlkioWeight = l.BlkioWeight
	for _, d := range l.BlkioWeightDevice {
		h.BlkioWeightDevice = append(h.BlkioWeightDevice, InspectWeight{diskPath(d.Path, d.Major, d.Minor), d.Weight})
	}
	for _, rates := range []struct {
		told *[]InspectRate
		of   []cgroups.ThrottleDevice
	}{
		{&h.BlkioDeviceReadBps, l.DeviceReadBps}, {&h.BlkioDeviceWriteBps, l.DeviceWriteBps},
		{&h.BlkioDeviceReadIOps, l.DeviceReadIOps}, {&h.BlkioDeviceWriteIOps, l.DeviceWriteIOps},
	} {
		for _, d := range rates.of {
			*rates.told = append(*rates.told, InspectRate{diskPath(d.Path, d.Major, d.Minor), d.Rate})
		}
	}
}

// diskPath is what the user called a disk. Whoever gave only its numbers gets
// a path that leads to it all the same; see sysfs(5).
func diskPath(path string, major, minor int64) string {
	if path == "" {
		path = fmt.Sprintf("/dev/block/%d:%d", major, minor)
	}
	return path
}

// inspectSharing tells whose namespaces the container is in.
func (h *InspectHostConfig) inspectSharing(o *CreateOptions) {
	h.IpcMode, h.PidMode, h.UTSMode = o.Sharing.IPC, o.Sharing.PID, o.Sharing.UTS
	h.CgroupnsMode, h.UsernsMode = o.Sharing.Cgroup, o.Sharing.User
	if h.IpcMode == "" {
		h.IpcMode = "private"
	}
	if h.CgroupnsMode == "" {
		h.CgroupnsMode = "private"
	}
}

// inspectProcess tells what each process gets, and which devices.
func (h *InspectHostConfig) inspectProcess(o *CreateOptions) {
	if o.OOMScoreAdj != nil {
		h.OomScoreAdj = *o.OOMScoreAdj
	}
	h.Sysctls = o.Sysctl
	for _, limit := range o.Rlimits {
		h.Ulimits = append(h.Ulimits, InspectUlimit{
			strings.ToLower(strings.TrimPrefix(limit.Type, "RLIMIT_")), ulimitValue(limit.Soft), ulimitValue(limit.Hard),
		})
	}
	for _, d := range o.Devices {
		h.Devices = append(h.Devices, InspectDevice{d.Host, d.Container, d.Permissions})
	}
}

// memorySwap is the limit of memory and swap together: with a limit of memory
// alone, as much again may be swapped.
func memorySwap(l Limits) int64 {
	if l.MemorySwap == 0 && l.Memory > 0 {
		return 2 * l.Memory
	}
	return l.MemorySwap
}

func ulimitValue(n uint64) int64 {
	if n == math.MaxUint64 {
		return -1
	}
	return int64(n)
}

// shmSize reads the size of /dev/shm out of its mount.
func shmSize(s *network.Spec) int64 {
	for _, m := range s.Mounts {
		if m.Destination == shm && m.Type == "tmpfs" {
			return sizeOption(m)
		}
	}
	return 0
}

// sizeOption is the size= of a tmpfs in bytes, 0 for none; see tmpfs(5).
func sizeOption(m rootfs.Mount) (bytes int64) {
	for _, option := range m.Options {
		if text, found := strings.CutPrefix(option, "size="); found {
			bytes, _ = cgroups.ParseBytes(text) // half of the memory, "50%", has no number
		}
	}
	return bytes
}

func bindText(m Mount) string {
	options := append([]string{}, m.Options...)
	if m.ReadOnly {
		options = append(options, "ro")
	}
	text := m.Source + ":" + m.Destination
	if len(options) > 0 {
		text += ":" + strings.Join(options, ",")
	}
	return text
}

func inspectLog(o LogOptions) InspectLog {
	limits := jsonlog.DefaultLimits
	if o.MaxSize > 0 {
		limits.MaxSize = o.MaxSize
	}
	if o.MaxFiles > 0 {
		limits.MaxFiles = o.MaxFiles
	}
	return InspectLog{Type: "json-file", Config: map[string]string{
		"max-size": strconv.FormatInt(limits.MaxSize, 10), "max-file": strconv.Itoa(limits.MaxFiles),
	}}
}
