package cgroups

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// disk is a whole block device, and a directory on it.
type disk struct {
	major, minor int64
	dir          string
}

// onDisk finds a directory whose files lie on a disk that the kernel throttles:
// not in memory, nor on a filesystem that has no device of its own (overlay,
// btrfs). The disk of the virtual machine is at /var/lib.
func onDisk(t *testing.T) disk {
	t.Helper()
	for _, dir := range []string{os.TempDir(), "/var/lib"} {
		var stat unix.Stat_t
		require.NoError(t, unix.Stat(dir, &stat))
		path, err := filepath.EvalSymlinks(fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev)))
		if err != nil {
			continue
		}
		if _, err := os.Stat(path + "/partition"); err == nil {
			path = filepath.Dir(path) // the disk that it is a part of
		}
		numbers, err := read(path, "dev")
		require.NoError(t, err)
		d := disk{dir: dir}
		require.True(t, scan(numbers, "%d:%d", &d.major, &d.minor), numbers)
		d.dir, err = os.MkdirTemp(dir, "cooper-disk-")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, os.RemoveAll(d.dir)) })
		return d
	}
	t.Skip("no disk here; the virtual machine has one")
	return disk{}
}

// setting is what stands in a file of a group about this disk, without its
// numbers.
func (d disk) setting(t *testing.T, g *Group, file string) string {
	t.Helper()
	dir, present := g.dir("blkio")
	require.True(t, present)
	text, err := read(dir, file)
	require.NoError(t, err)
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, fmt.Sprintf("%d:%d ", d.major, d.minor)); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// counters are what the group did with this disk.
func (d disk) counters(t *testing.T, g *Group) DeviceIO {
	t.Helper()
	stats, err := g.Stats()
	require.NoError(t, err)
	for _, io := range stats.IO {
		if int64(io.Major) == d.major && int64(io.Minor) == d.minor {
			return io
		}
	}
	return DeviceIO{}
}

// Each ceiling is such that what is to be done takes a second; we ask for a
// little less, since the kernel lets the first slice of time pass. Without a
// ceiling it takes milliseconds, under emulation four hundred. Beside the page
// cache: version 1 throttles only what a process of the group reads and writes
// itself.
func TestADiskIsReadAndWrittenNoFasterThanAllowed(t *testing.T) {
	notrace.Check(t)
	d := onDisk(t)
	for _, c := range []struct {
		file1, in2 string // where version 1 has the ceiling, and what version 2 has in io.max
		rate       uint64
		limit      func(l *Limits) *[]ThrottleDevice
		script     string
		count      func(DeviceIO) uint64
	}{
		{"blkio.throttle.write_bps_device", "rbps=max wbps=4194304 riops=max wiops=max", 4 * mib,
			func(l *Limits) *[]ThrottleDevice { return &l.DeviceWriteBps },
			"dd if=/dev/zero of=file bs=64k count=64 oflag=direct", func(io DeviceIO) uint64 { return io.WriteBytes }},
		{"blkio.throttle.read_bps_device", "rbps=4194304 wbps=max riops=max wiops=max", 4 * mib,
			func(l *Limits) *[]ThrottleDevice { return &l.DeviceReadBps },
			"dd if=file of=/dev/null bs=64k count=64 iflag=direct", func(io DeviceIO) uint64 { return io.ReadBytes }},
		{"blkio.throttle.write_iops_device", "rbps=max wbps=max riops=max wiops=32", 32,
			func(l *Limits) *[]ThrottleDevice { return &l.DeviceWriteIOps },
			"dd if=/dev/zero of=file bs=4k count=32 oflag=direct conv=notrunc", func(io DeviceIO) uint64 { return io.Writes }},
		{"blkio.throttle.read_iops_device", "rbps=max wbps=max riops=32 wiops=max", 32,
			func(l *Limits) *[]ThrottleDevice { return &l.DeviceReadIOps },
			"dd if=file of=/dev/null bs=4k count=32 iflag=direct", func(io DeviceIO) uint64 { return io.Reads }},
	} {
		s := container("sh", "-c", "cd $0 && "+c.script, d.dir)
		*c.limit(&s.Limits) = []ThrottleDevice{{Major: d.major, Minor: d.minor, Rate: c.rate}}
		begin := time.Now()
		run := start(t, s)
		g := run.group(t)
		file, ceiling := "io.max", c.in2
		if g.version == 1 {
			file, ceiling = c.file1, fmt.Sprint(c.rate)
		}
		require.Equal(t, ceiling, d.setting(t, g, file))
		output, code := run.end(t)
		require.Zero(t, code, output)
		require.Greater(t, time.Since(begin), 3*time.Second/4, c.script)
		require.GreaterOrEqual(t, c.count(d.counters(t, g)), c.rate, c.script)

		var lifted Limits
		*c.limit(&lifted) = []ThrottleDevice{{Major: d.major, Minor: d.minor}}
		require.NoError(t, g.Update(lifted))
		require.Empty(t, d.setting(t, g, file))
	}
}

// The virtual machine's disk has a scheduler that heeds weights, others may
// have none: then it's said.
func TestAWeightIsForADiskWhoseSchedulerHeedsIt(t *testing.T) {
	notrace.Check(t)
	d := onDisk(t)
	scheduler, err := read(fmt.Sprintf("/sys/dev/block/%d:%d/queue", d.major, d.minor), "scheduler")
	require.NoError(t, err)
	s := container("sleep", "1000")
	g := start(t, s).group(t)
	dir, _ := g.dir("blkio")
	err = g.Update(Limits{BlkioWeight: 300, BlkioWeightDevice: []WeightDevice{{Major: d.major, Minor: d.minor, Weight: 600}}})
	if !strings.Contains(scheduler, "[bfq]") {
		require.ErrorContains(t, err, "give it the scheduler bfq")
		return
	}
	require.NoError(t, err)
	prefix, common := "io", "default 300"
	if g.version == 1 {
		prefix, common = "blkio", "300"
	}
	text, err := read(dir, prefix+".bfq.weight")
	require.NoError(t, err)
	first, _, _ := strings.Cut(text, "\n")
	require.Equal(t, common, first)
	file := prefix + ".bfq.weight"
	if g.version == 1 {
		file += "_device"
	}
	require.Equal(t, "600", d.setting(t, g, file))
}
