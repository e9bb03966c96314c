package cgroups

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The rdma controller: network adapters that read and write another machine's
// memory. rdma.max, the same in both versions:
//
//	mlx5_1 hca_handle=2 hca_object=2000

// RdmaLimit bounds what a group opens on one such device; nil leaves a number
// as it is.
type RdmaLimit struct {
	HcaHandles *uint32 `json:"hcaHandles,omitempty"` // contexts
	HcaObjects *uint32 `json:"hcaObjects,omitempty"` // queues, memory regions and so on
}

func (l Limits) validateRdma() error {
	for device, limit := range l.Rdma {
		switch {
		case device == "" || strings.ContainsAny(device, " \t\n\x00=/"):
			return fmt.Errorf("rdma device %q: write its name as in /sys/class/infiniband", device)
		case limit.HcaHandles == nil && limit.HcaObjects == nil:
			return fmt.Errorf("rdma device %s: neither handles nor objects are limited", device)
		}
	}
	return nil
}

func limitRdma(dir string, limits map[string]RdmaLimit) error {
	for _, device := range slices.Sorted(maps.Keys(limits)) {
		line := device
		if n := limits[device].HcaHandles; n != nil {
			line += fmt.Sprintf(" hca_handle=%d", *n)
		}
		if n := limits[device].HcaObjects; n != nil {
			line += fmt.Sprintf(" hca_object=%d", *n)
		}
		if err := write(dir, "rdma.max", line); err != nil {
			return err
		}
	}
	return nil
}
