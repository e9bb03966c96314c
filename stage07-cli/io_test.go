package cli

import (
	"os"
	"path/filepath"
	"testing"

	"cooper/stage01-namespaces/notrace"
	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func ioLimits(flag string, values ...string) (limits engine.Limits, err error) {
	given := map[string][]string{flag: values}
	return limits, parseIO(func(flag string) []string { return given[flag] }, &limits)
}

func TestALimitOfADiskIsReadAsDockerWritesIt(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
	disk := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, unix.Mknod(disk, unix.S_IFBLK, int(unix.Mkdev(8, 16))))
	rate := func(n uint64) []cgroups.ThrottleDevice {
		return []cgroups.ThrottleDevice{{Path: disk, Major: 8, Minor: 16, Rate: n}}
	}
	for _, c := range []struct {
		flag, value string
		want        engine.Limits
	}{
		{"blkio-weight-device", "500", engine.Limits{BlkioWeightDevice: []cgroups.WeightDevice{{Path: disk, Major: 8, Minor: 16, Weight: 500}}}},
		{"device-read-bps", "1m", engine.Limits{DeviceReadBps: rate(1 << 20)}},
		{"device-write-bps", "10", engine.Limits{DeviceWriteBps: rate(10)}},
		{"device-read-iops", "1000", engine.Limits{DeviceReadIOps: rate(1000)}},
		{"device-write-iops", "1", engine.Limits{DeviceWriteIOps: rate(1)}},
	} {
		limits, err := ioLimits(c.flag, disk+":"+c.value)
		require.NoError(t, err, c.flag)
		require.Equal(t, c.want, limits, c.flag)
	}
	for flag, values := range map[string][]string{
		"blkio-weight-device": {disk, disk + ":", disk + ":9", disk + ":1001", "/dev/null:500", "/nosuch:500"},
		"device-read-bps":     {disk, disk + ":0", disk + ":-1", disk + ":fast", "/dev/null:1m", "disk:1m"},
		"device-write-iops":   {disk + ":1m", disk + ":0", disk + ":1.5"},
	} {
		for _, value := range values {
			_, err := ioLimits(flag, value)
			require.ErrorContains(t, err, "--"+flag, value)
		}
	}
}
