package rootfs

import (
	"path/filepath"
	"slices"
	"strconv"

	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"
)

// Defaults returns what a container gets that asks for nothing special. Still
// missing are the root, the command and the ID.
func Defaults() Spec {
	var s Spec
	s.Namespaces = namespaces.New(namespaces.Cgroup, namespaces.IPC, namespaces.Mount, namespaces.Network, namespaces.PID, namespaces.UTS)
	s.Env = []string{"PATH=" + namespaces.DefaultPath}
	s.Mounts = DefaultMounts()
	s.Capabilities = DefaultCapabilities()
	s.DeviceRules = DeviceRules(&s)
	s.SeccompFilter = defaultFilter()
	s.MaskedPaths = DefaultMaskedPaths()
	s.ReadonlyPaths = DefaultReadonlyPaths()
	return s
}

// DefaultMounts are the filesystems that the kernel offers to every container,
// in the order in which they are mounted: Docker's, with cgroup read-only on
// v1, too.
func DefaultMounts() []Mount {
	return []Mount{
		{Type: "proc", Destination: "/proc", Options: []string{"nosuid", "nodev", "noexec"}},
		{Type: "tmpfs", Destination: "/dev", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{Type: "devpts", Destination: "/dev/pts", Options: []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
		{Type: "sysfs", Destination: "/sys", Options: []string{"nosuid", "nodev", "noexec", "ro"}},
		{Type: "cgroup", Destination: "/sys/fs/cgroup", Options: []string{"nosuid", "nodev", "noexec", "ro"}},
		{Type: "mqueue", Destination: "/dev/mqueue", Options: []string{"nosuid", "nodev", "noexec"}},
		{Type: "tmpfs", Destination: "/dev/shm", Options: []string{"nosuid", "nodev", "noexec", "mode=1777", "size=65536k"}},
	}
}

// RunAsCaller is stage 1's, and gives the terminals no group where the new user
// namespace hasn't got it: the kernel refuses a mount option with an id that
// isn't mapped (EINVAL).
func (s *Spec) RunAsCaller(userns, subids bool) error {
	err := s.Base().RunAsCaller(userns, subids)
	hasTTY := slices.ContainsFunc(s.GIDMappings, func(m namespaces.IDMapping) bool { return m.ContainerID <= 5 && 5-m.ContainerID < m.Size })
	if err != nil || !s.IsNew(namespaces.User) || hasTTY {
		return err
	}
	for i, m := range s.Mounts {
		if m.Type == "devpts" {
			s.Mounts[i].Options = slices.DeleteFunc(slices.Clone(m.Options), func(option string) bool { return option == "gid=5" })
		}
	}
	return nil
}

// SetShmSize gives /dev/shm another size, in bytes.
func (s *Spec) SetShmSize(size int64) {
	for i, m := range s.Mounts {
		if m.Type == "tmpfs" && m.Destination == "/dev/shm" {
			s.Mounts[i].Options = append(slices.Clone(m.Options), "size="+strconv.FormatInt(size, 10))
		}
	}
}

// DeviceRules are what a container may do with devices: with those that it was
// given, what their Access says; with others what the defaults say; and where
// it is privileged, everything that the engine may.
func DeviceRules(s *Spec) []cgroups.DeviceRule {
	if s.Privileged {
		return []cgroups.DeviceRule{{Allow: true}}
	}
	rules := cgroups.DefaultDeviceRules()
	for _, device := range s.Devices {
		rules = append(rules, device.rule())
	}
	return rules
}

// DefaultCapabilities are those that software in a container needs to be
// installed and to drop its own privileges: Podman's eleven. Docker adds
// AUDIT_WRITE, MKNOD and NET_RAW, with which a container can forge packets on
// its network; ping works without (see net.ipv4.ping_group_range).
func DefaultCapabilities() []string {
	return []string{
		"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
		"CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
	}
}

// defaultFilter is that of the default capabilities. On a machine whose system
// calls nobody has listed here it is one that can't be loaded: rather no
// container than one without a filter that nobody has renounced.
func defaultFilter() []byte {
	filter, err := LoadSeccomp("", DefaultCapabilities())
	if err != nil {
		return []byte(err.Error())
	}
	return filter
}

// DefaultMaskedPaths tell about the machine what is nobody's business in a
// container, or let it be changed: memory, keys, timers, firmware, and power
// and interrupt counters precise enough to spy on neighbours.
func DefaultMaskedPaths() []string {
	// The pattern is constant, so Glob can't fail. The host's /sys has the same
	// processors as the container's.
	throttles, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/thermal_throttle")
	return append([]string{
		"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
		"/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
		"/sys/dev/block", "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/fs/selinux",
	}, throttles...)
}

// DefaultReadonlyPaths can be read but configure the whole machine when written.
func DefaultReadonlyPaths() []string {
	return []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
}
