package cgroups

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The io controller, in version 1 blkio. A device is named by its numbers, 8:16,
// as lsblk shows them.
//
//	                   version 2                         version 1
//	BlkioWeight        io.bfq.weight, "500"              blkio.bfq.weight, or blkio.weight
//	                   io.weight, "4950", converted      (before Linux 5.0)
//	BlkioWeightDevice  the same, "8:16 500"              blkio.bfq.weight_device, or blkio.weight_device
//	DeviceReadBps      io.max, "8:16 rbps=1048576"       blkio.throttle.read_bps_device, "8:16 1048576"
//	DeviceWriteBps     io.max, "8:16 wbps=1048576"       blkio.throttle.write_bps_device
//	DeviceReadIOps     io.max, "8:16 riops=100"          blkio.throttle.read_iops_device
//	DeviceWriteIOps    io.max, "8:16 wiops=100"          blkio.throttle.write_iops_device
//
// A rate is a ceiling, always. A weight matters when a disk is busy, and only
// where something heeds it: the BFQ scheduler has the files with bfq in their
// name, the io.cost controller io.weight.

// WeightDevice is a group's weight on one block device, 10 to 1,000.
type WeightDevice struct {
	Path   string `json:"path,omitempty"` // what people call it: not for the kernel
	Major  int64  `json:"major"`
	Minor  int64  `json:"minor"`
	Weight uint16 `json:"weight"`
}

// ThrottleDevice is a ceiling on one block device, in bytes or operations a
// second; a Rate of 0 lifts it.
type ThrottleDevice struct {
	Path  string `json:"path,omitempty"` // what people call it: not for the kernel
	Major int64  `json:"major"`
	Minor int64  `json:"minor"`
	Rate  uint64 `json:"rate"`
}

const (
	minBlkioWeight = 10 // the runtime specification's bounds
	maxBlkioWeight = 1000

	maxMajor = 1<<12 - 1 // the kernel's: MINORBITS is 20, of 32; see makedev(3)
	maxMinor = 1<<20 - 1
)

func (l Limits) asksIO() bool {
	if l.BlkioWeight != 0 || len(l.BlkioWeightDevice) > 0 {
		return true
	}
	for _, t := range l.throttles() {
		if len(t.devices) > 0 {
			return true
		}
	}
	return false
}

// throttle is one sort of ceiling: its file in version 1, its key in io.max.
type throttle struct {
	file, key string
	devices   []ThrottleDevice
}

func (l Limits) throttles() [4]throttle {
	return [4]throttle{
		{"blkio.throttle.read_bps_device", "rbps", l.DeviceReadBps},
		{"blkio.throttle.write_bps_device", "wbps", l.DeviceWriteBps},
		{"blkio.throttle.read_iops_device", "riops", l.DeviceReadIOps},
		{"blkio.throttle.write_iops_device", "wiops", l.DeviceWriteIOps},
	}
}

func (l Limits) validateIO() error {
	if l.BlkioWeight != 0 {
		if err := validateWeight(l.BlkioWeight); err != nil {
			return err
		}
	}
	for _, d := range l.BlkioWeightDevice {
		if err := errors.Join(validateDevice(d.Major, d.Minor), validateWeight(d.Weight)); err != nil {
			return err
		}
	}
	for _, t := range l.throttles() {
		for _, d := range t.devices {
			if err := validateDevice(d.Major, d.Minor); err != nil {
				return err
			}
		}
	}
	return nil
}

func validateWeight(weight uint16) error {
	if weight < minBlkioWeight || weight > maxBlkioWeight {
		return fmt.Errorf("blkio weight of %d: must be from 10 to 1000", weight)
	}
	return nil
}

func validateDevice(major, minor int64) error {
	if major < 0 || major > maxMajor || minor < 0 || minor > maxMinor {
		return fmt.Errorf("block device %d:%d: no such numbers", major, minor)
	}
	return nil
}

func limitIO(dir string, version int, l Limits) error {
	if err := limitWeights(dir, version, l); err != nil {
		return err
	}
	for _, t := range l.throttles() {
		for _, d := range t.devices {
			if err := t.limit(dir, version, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t throttle) limit(dir string, version int, d ThrottleDevice) error {
	device := fmt.Sprintf("%d:%d ", d.Major, d.Minor)
	rate := strconv.FormatUint(d.Rate, 10)
	if version == 1 {
		return write(dir, t.file, device+rate) // 0 lifts it
	}
	if d.Rate == 0 {
		rate = "max"
	}
	return write(dir, "io.max", device+t.key+"="+rate)
}

// limitWeights writes each weight to every file that might be heeded, for which
// scheduler a disk has, and whether it has io.cost, may change at any time. One
// of them must be there.
func limitWeights(dir string, version int, l Limits) error {
	if l.BlkioWeight != 0 {
		err := anyOf(weightFiles(version, ""), func(file string) error {
			return write(dir, file, weightFor(file, l.BlkioWeight))
		})
		if err != nil {
			return err
		}
	}
	for _, d := range l.BlkioWeightDevice {
		err := anyOf(weightFiles(version, "_device"), func(file string) error {
			return write(dir, file, fmt.Sprintf("%d:%d %s", d.Major, d.Minor, weightFor(file, d.Weight)))
		})
		if errors.Is(err, unix.EOPNOTSUPP) {
			err = fmt.Errorf("%w (nothing heeds weights on this disk: give it the scheduler bfq, see /sys/dev/block/%d:%d/queue/scheduler)", err, d.Major, d.Minor)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// weightFiles lists them; version 1 has devices in files of their own.
func weightFiles(version int, suffix string) []string {
	if version == 2 {
		return []string{"io.bfq.weight", "io.weight"}
	}
	return []string{"blkio.bfq.weight" + suffix, "blkio.weight" + suffix}
}

// weightFor converts to what the file takes. All but io.weight take the
// specification's 10 to 1,000, of which 500 is the usual one; io.weight takes 1
// to 10,000. The straight line between the ends is runc's (its function
// ConvertBlkIOToIOWeightValue) and crun's (the table in its manual).
func weightFor(file string, weight uint16) string {
	n := uint64(weight)
	if file == "io.weight" {
		n = 1 + (n-minBlkioWeight)*9999/(maxBlkioWeight-minBlkioWeight)
	}
	return strconv.FormatUint(n, 10)
}

// anyOf calls set with each file, and forgives those that aren't there, and
// those that aren't for this disk (EOPNOTSUPP), unless it's so with all of them.
func anyOf(files []string, set func(file string) error) error {
	var other error
	found := false
	for _, file := range files {
		err := set(file)
		switch {
		case err == nil:
			found = true
		case errors.Is(err, unix.EOPNOTSUPP):
			other = err
		case ifPresent(err) != nil:
			return err
		}
	}
	switch {
	case found:
		return nil
	case other != nil:
		return other
	}
	return &os.PathError{Op: "open", Path: strings.Join(files, " or "), Err: fs.ErrNotExist}
}
