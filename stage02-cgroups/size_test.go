package cgroups

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSizesAndProcessorsAreReadAsPeopleWriteThem(t *testing.T) {
	for size, want := range map[string]int64{
		"64m": 64 << 20, "64M": 64 << 20, "64mb": 64 << 20, "64MiB": 64 << 20, "1.5g": 3 << 29, "2t": 2 << 40,
		"65536": 65536, "512b": 512, "1k": 1024, "0": 0, "-1": Unlimited,
	} {
		got, err := ParseBytes(size)
		require.NoError(t, err, size)
		require.Equal(t, want, got, size)
	}
	for _, size := range []string{"", "m", "64x", "-1g", "-64m", "1e400", "0x40", "64 m", "1_000", "nan", "inf", "٣m",
		"99999999999999999999", "9999999999999999999t", "1.m", ".5g", "64mm", "64im"} {
		_, err := ParseBytes(size)
		require.Error(t, err, size)
	}
	for cpus, want := range map[string]int64{"1.5": 150_000, "0.01": 1_000, "2": 200_000, "0.333": 33_300} {
		quota, period, err := ParseCPUs(cpus)
		require.NoError(t, err, cpus)
		require.Equal(t, []int64{want, 100_000}, []int64{quota, period}, cpus)
		require.NoError(t, Limits{CPUQuota: quota, CPUPeriod: period}.validate())
	}
	for _, cpus := range []string{"", "0", "-1", "0.001", "1e400", "nan", "inf", "many", "1000000"} {
		_, _, err := ParseCPUs(cpus)
		require.Error(t, err, cpus)
	}
}

func FuzzParseBytes(f *testing.F) {
	f.Add("64m")
	f.Add("-1")
	f.Fuzz(func(t *testing.T, size string) {
		if n, err := ParseBytes(size); err == nil && n != Unlimited {
			require.GreaterOrEqual(t, n, int64(0))
			require.LessOrEqual(t, n, int64(maxBytes))
		}
	})
}
