package cli

import (
	"fmt"
	"strconv"
	"strings"

	"cooper/stage02-cgroups"
	"cooper/stage03-rootfs"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

// ioFlags are the limits of single block devices.
func ioFlags() []urfave.Flag {
	return []urfave.Flag{
		many("blkio-weight-device", "Give a weight for one disk: `PATH:WEIGHT`"),
		many("device-read-bps", "Limit reading from a disk, in bytes a second: `PATH:RATE`, such as /dev/sda:1m"),
		many("device-write-bps", "Limit writing to a disk: `PATH:RATE`"),
		many("device-read-iops", "Limit the reads from a disk in a second: `PATH:NUMBER`"),
		many("device-write-iops", "Limit the writes to a disk in a second: `PATH:NUMBER`"),
	}
}

// parseIO reads them. The kernel knows disks by their numbers, so the paths are
// looked up here.
func parseIO(values func(flag string) []string, limits *engine.Limits) error {
	for _, value := range values("blkio-weight-device") {
		path, major, minor, text, err := blockDevice(value)
		if err == nil {
			device := cgroups.WeightDevice{Path: path, Major: major, Minor: minor}
			device.Weight, err = weight(text)
			limits.BlkioWeightDevice = append(limits.BlkioWeightDevice, device)
		}
		if err != nil {
			return fmt.Errorf("--blkio-weight-device %q: %w", value, err)
		}
	}
	for _, flag := range []struct {
		name string
		into *[]cgroups.ThrottleDevice
		read func(string) (int64, error)
	}{
		{"device-read-bps", &limits.DeviceReadBps, cgroups.ParseBytes},
		{"device-write-bps", &limits.DeviceWriteBps, cgroups.ParseBytes},
		{"device-read-iops", &limits.DeviceReadIOps, rate},
		{"device-write-iops", &limits.DeviceWriteIOps, rate},
	} {
		for _, value := range values(flag.name) {
			device, err := throttle(value, flag.read)
			if err != nil {
				return fmt.Errorf("--%s %q: %w", flag.name, value, err)
			}
			*flag.into = append(*flag.into, device)
		}
	}
	return nil
}

func throttle(value string, read func(string) (int64, error)) (device cgroups.ThrottleDevice, err error) {
	path, major, minor, text, err := blockDevice(value)
	if err != nil {
		return device, err
	}
	n, err := read(text)
	if err == nil && n < 1 {
		err = fmt.Errorf("the rate must be above 0")
	}
	return cgroups.ThrottleDevice{Path: path, Major: major, Minor: minor, Rate: uint64(n)}, err
}

func rate(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no whole number", text)
	}
	return n, nil
}

// blockDevice splits PATH:VALUE and looks the path up.
func blockDevice(value string) (path string, major, minor int64, rest string, err error) {
	path, rest, found := strings.Cut(value, ":")
	if !found {
		return "", 0, 0, "", fmt.Errorf("write PATH:VALUE")
	}
	device, err := rootfs.HostDevice(path)
	if err == nil && device.Type != "b" {
		err = fmt.Errorf("%s is no block device", path)
	}
	return path, int64(device.Major), int64(device.Minor), rest, err
}
