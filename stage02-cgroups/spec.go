package cgroups

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	namespaces "cooper/stage01-namespaces"
)

// Spec adds to stage 1's what a container may use, and where that is kept.
type Spec struct {
	namespaces.Spec

	// CgroupDriver is who makes the container's cgroup: Cgroupfs, or empty, or
	// Systemd.
	CgroupDriver string `json:"cgroupDriver,omitempty"`

	// CgroupPath is the container's cgroup, below the top of each hierarchy:
	// "cooper/ID", or from ScopePath if systemd makes it. Empty means just that.
	CgroupPath string `json:"cgroupPath,omitempty"`

	// CgroupTop is the group that was delegated to us, below which CgroupPath
	// lies; empty for root. Set by cgroups/create, for the child.
	CgroupTop string `json:"cgroupTop,omitempty"`

	Limits Limits `json:"limits"`

	// DeviceRules say which devices the container may use; none leaves it those
	// that the engine may use itself.
	DeviceRules []DeviceRule `json:"deviceRules,omitempty"`
}

// Unlimited lifts a limit, in any field of Limits.
const Unlimited = -1

// Limits is what a container may use. Zero leaves a limit as it is, which for
// a new container is none; Unlimited lifts it.
//
// The fields are Docker's and the runtime specification's; each controller's
// file tells what becomes of them on either version of cgroups.
type Limits struct {
	Memory            int64 `json:"memory,omitempty"`            // bytes; beyond it the OOM killer comes
	MemoryReservation int64 `json:"memoryReservation,omitempty"` // bytes that are spared while others can give
	MemorySwap        int64 `json:"memorySwap,omitempty"`        // bytes of memory and swap together; zero is twice Memory

	MemorySwappiness *int64 `json:"memorySwappiness,omitempty"` // 0 to 100, how readily to swap; -1 is the machine's; version 1 only
	OOMKillDisable   bool   `json:"oomKillDisable,omitempty"`   // at the limit processes stand still instead; version 1 only
	OOMGroup         bool   `json:"oomGroup,omitempty"`         // the OOM killer takes all or none; version 2 only

	CPUQuota  int64 `json:"cpuQuota,omitempty"`  // µs of processor time in each period, over all processors
	CPUPeriod int64 `json:"cpuPeriod,omitempty"` // µs, 1,000 to 1,000,000; zero is 100,000
	CPUShares int64 `json:"cpuShares,omitempty"` // 2 to 262,144: the weight when processors are scarce; the usual one is 1,024

	CPUSetCPUs string `json:"cpusetCpus,omitempty"` // which processors: "0-3,7"
	CPUSetMems string `json:"cpusetMems,omitempty"` // which memory nodes: "0"

	Pids int64 `json:"pids,omitempty"` // processes and threads at one time

	BlkioWeight       uint16           `json:"blkioWeight,omitempty"`       // 10 to 1,000: the weight when a disk is busy
	BlkioWeightDevice []WeightDevice   `json:"blkioWeightDevice,omitempty"` // the same for one disk
	DeviceReadBps     []ThrottleDevice `json:"blkioDeviceReadBps,omitempty"`
	DeviceWriteBps    []ThrottleDevice `json:"blkioDeviceWriteBps,omitempty"`
	DeviceReadIOps    []ThrottleDevice `json:"blkioDeviceReadIOps,omitempty"`
	DeviceWriteIOps   []ThrottleDevice `json:"blkioDeviceWriteIOps,omitempty"`

	HugepageLimits []HugepageLimit      `json:"hugepageLimits,omitempty"`
	Rdma           map[string]RdmaLimit `json:"rdma,omitempty"` // by device: "mlx5_1"

	// Unified is written as it is, file by file, after all others: what has no
	// field of its own, "memory.high": "60M". Version 2 only.
	Unified map[string]string `json:"unified,omitempty"`
}

// parent is the group that holds the containers' groups. It comes with the
// first container and goes with the last.
const parent = "cooper"

// path is where the container's cgroup is, relative to the top of a hierarchy.
//
// It must name something below the top: the top holds the host's own
// processes, and Undo kills whatever is in the group.
func (s *Spec) path() (string, error) {
	if s.CgroupPath == "" && s.ID == "" {
		return "", fmt.Errorf("the container has neither an id nor a cgroup path")
	}
	path := s.CgroupPath
	switch {
	case path == "" && s.CgroupDriver == Systemd:
		return ScopePath("", s.ID)
	case path == "":
		path = parent + "/" + s.ID
	}
	return checkPath(path)
}

func checkPath(path string) (string, error) {
	local := filepath.Clean(strings.TrimLeft(path, "/"))
	if local == "." || !filepath.IsLocal(local) || strings.ContainsAny(path, "\n\x00") {
		return "", fmt.Errorf("cgroup path %q: must name a group below the top, such as %s/web", path, parent)
	}
	return local, nil
}

// Validate refuses a Spec that can't become a container, before anything is
// made.
func (s *Spec) Validate() error {
	if err := s.Spec.Validate(); err != nil {
		return err
	}
	if err := s.validatePath(); err != nil {
		return err
	}
	if err := validateDevices(s.DeviceRules); err != nil {
		return err
	}
	return errors.Join(s.Limits.validate(), s.validateInit())
}

func (s *Spec) validatePath() error {
	path, err := s.path()
	if err != nil {
		return err
	}
	switch s.CgroupDriver {
	case "", Cgroupfs:
		return nil
	case Systemd:
		_, err := scopeOf(path)
		return err
	}
	return fmt.Errorf("cgroup driver %q: it is %s or %s", s.CgroupDriver, Cgroupfs, Systemd)
}

// validate refuses limits that no machine could keep. Those that only this
// machine can't keep are refused by its kernel.
func (l Limits) validate() error {
	for _, check := range []func() error{
		l.validateMemory, l.validateCPU, l.validateCPUSet, l.validatePids,
		l.validateIO, l.validateHugetlb, l.validateRdma, l.validateUnified,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
