package cgroups

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// DeviceIO is what a group read from and wrote to one block device.
type DeviceIO struct {
	Major        uint64 `json:"major"`
	Minor        uint64 `json:"minor"`
	ReadBytes    uint64 `json:"readBytes"`
	WriteBytes   uint64 `json:"writeBytes"`
	DiscardBytes uint64 `json:"discardBytes"` // told to be free, as fstrim(8) does
	Reads        uint64 `json:"reads"`        // operations
	Writes       uint64 `json:"writes"`
	Discards     uint64 `json:"discards"`
}

func ioStats2(dir string) ([]DeviceIO, error) {
	file, err := os.Open(filepath.Join(dir, "io.stat"))
	if err != nil {
		return nil, ifPresent(err)
	}
	defer file.Close()
	return parseIO2(file)
}

// parseIO2 reads io.stat, a line for each device:
//
//	8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0
func parseIO2(r io.Reader) (stats []DeviceIO, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var d DeviceIO
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || !scan(fields[0], "%d:%d", &d.Major, &d.Minor) {
			continue // a device that is gone leaves a line without a number
		}
		for _, field := range fields[1:] {
			_ = scan(field, "rbytes=%d", &d.ReadBytes) || scan(field, "wbytes=%d", &d.WriteBytes) || scan(field, "dbytes=%d", &d.DiscardBytes) ||
				scan(field, "rios=%d", &d.Reads) || scan(field, "wios=%d", &d.Writes) || scan(field, "dios=%d", &d.Discards)
		}
		stats = append(stats, d)
	}
	return stats, lines.Err()
}

func ioStats1(dir string) (stats []DeviceIO, err error) {
	for _, name := range []string{"blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_serviced_recursive"} {
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return nil, ifPresent(err)
		}
		stats, err = parseIO1(file, stats, strings.Contains(name, "bytes"))
		file.Close()
		if err != nil {
			return nil, err
		}
	}
	return stats, nil
}

// parseIO1 adds one of the two files of blkio's throttling, which count bytes
// and operations, a line for each device and direction:
//
//	8:16 Read 1459200
//	8:16 Write 314773504
//	Total 316232704
func parseIO1(r io.Reader, stats []DeviceIO, countsBytes bool) ([]DeviceIO, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var major, minor, n uint64
		var direction string
		if !scan(lines.Text(), "%d:%d %s %d", &major, &minor, &direction, &n) {
			continue
		}
		i := 0
		for i < len(stats) && (stats[i].Major != major || stats[i].Minor != minor) {
			i++
		}
		if i == len(stats) {
			stats = append(stats, DeviceIO{Major: major, Minor: minor})
		}
		stats[i].count1(direction, n, countsBytes)
	}
	return stats, lines.Err()
}

func (d *DeviceIO) count1(direction string, n uint64, countsBytes bool) {
	switch {
	case direction == "Read" && countsBytes:
		d.ReadBytes = n
	case direction == "Read":
		d.Reads = n
	case direction == "Write" && countsBytes:
		d.WriteBytes = n
	case direction == "Write":
		d.Writes = n
	case direction == "Discard" && countsBytes:
		d.DiscardBytes = n
	case direction == "Discard":
		d.Discards = n
	}
}

func scan(text, format string, into ...any) bool {
	_, err := fmt.Sscanf(text, format, into...)
	return err == nil
}
