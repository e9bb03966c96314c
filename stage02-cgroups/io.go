package cgroups

import (
	"fmt"
	"strings"
)

// The io controller, in version 1 blkio. This stage only reads it.

// DeviceIO is what a group read from and wrote to one block device.
type DeviceIO struct {
	Major      uint64 `json:"major"`
	Minor      uint64 `json:"minor"`
	ReadBytes  uint64 `json:"readBytes"`
	WriteBytes uint64 `json:"writeBytes"`
	Reads      uint64 `json:"reads"`  // operations
	Writes     uint64 `json:"writes"` // operations
}

// ioStats2 reads io.stat, a line for each device:
//
//	8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0
func ioStats2(dir string) ([]DeviceIO, error) {
	text, err := read(dir, "io.stat")
	if err != nil {
		return nil, ifPresent(err)
	}
	var stats []DeviceIO
	for line := range strings.Lines(text) {
		var d DeviceIO
		fields := strings.Fields(line)
		if len(fields) < 2 || !scan(fields[0], "%d:%d", &d.Major, &d.Minor) {
			continue // a device that is gone leaves a line without a number
		}
		for _, field := range fields[1:] {
			_ = scan(field, "rbytes=%d", &d.ReadBytes) || scan(field, "wbytes=%d", &d.WriteBytes) ||
				scan(field, "rios=%d", &d.Reads) || scan(field, "wios=%d", &d.Writes)
		}
		stats = append(stats, d)
	}
	return stats, nil
}

// ioStats1 reads two files of blkio's throttling, a line for each device and
// direction:
//
//	8:16 Read 1459200
//	8:16 Write 314773504
//	Total 316232704
func ioStats1(dir string) ([]DeviceIO, error) {
	var stats []DeviceIO
	for _, file := range []string{"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_serviced_recursive"} {
		text, err := read(dir, file)
		if err != nil {
			return nil, ifPresent(err)
		}
		countsBytes := strings.Contains(file, "bytes")
		for line := range strings.Lines(text) {
			var major, minor, n uint64
			var direction string
			if scan(line, "%d:%d %s %d", &major, &minor, &direction, &n) {
				stats = addIO1(stats, major, minor, direction, n, countsBytes)
			}
		}
	}
	return stats, nil
}

func addIO1(stats []DeviceIO, major, minor uint64, direction string, n uint64, countsBytes bool) []DeviceIO {
	i := 0
	for i < len(stats) && (stats[i].Major != major || stats[i].Minor != minor) {
		i++
	}
	if i == len(stats) {
		stats = append(stats, DeviceIO{Major: major, Minor: minor})
	}
	d := &stats[i]
	switch {
	case direction == "Read" && countsBytes:
		d.ReadBytes = n
	case direction == "Read":
		d.Reads = n
	case direction == "Write" && countsBytes:
		d.WriteBytes = n
	case direction == "Write":
		d.Writes = n
	}
	return stats
}

func scan(text, format string, into ...any) bool {
	_, err := fmt.Sscanf(text, format, into...)
	return err == nil
}
