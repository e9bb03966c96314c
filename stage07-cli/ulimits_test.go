package cli

import (
	"math"
	"testing"

	"cooper/stage03-rootfs"

	"github.com/stretchr/testify/require"
)

func TestAUlimitIsReadAsDockerWritesIt(t *testing.T) {
	for value, want := range map[string]rootfs.Rlimit{
		"nofile=1024":      {Type: "RLIMIT_NOFILE", Soft: 1024, Hard: 1024},
		"nofile=1024:4096": {Type: "RLIMIT_NOFILE", Soft: 1024, Hard: 4096},
		"core=0":           {Type: "RLIMIT_CORE"},
		"memlock=-1":       {Type: "RLIMIT_MEMLOCK", Soft: math.MaxUint64, Hard: math.MaxUint64},
		"nproc=5:-1":       {Type: "RLIMIT_NPROC", Soft: 5, Hard: math.MaxUint64},
	} {
		limits, err := parseUlimits([]string{value})
		require.NoError(t, err, value)
		require.Equal(t, []rootfs.Rlimit{want}, limits)
	}
	limits, err := parseUlimits([]string{"nofile=1", "core=0", "nofile=2"})
	require.NoError(t, err)
	require.Equal(t, []rootfs.Rlimit{{Type: "RLIMIT_CORE"}, {Type: "RLIMIT_NOFILE", Soft: 2, Hard: 2}}, limits)
}

// S26
func TestAWrongUlimitIsRefused(t *testing.T) {
	for _, value := range []string{"", "nofile", "nofile=", "nofile=x", "nofile=1:2:3", "nofile=2:1", "nofile=-2", "nofile=-1:5",
		"as=1", "NOFILE=1", "nofile=18446744073709551616", "nofile=1 "} {
		_, err := parseUlimits([]string{value})
		require.ErrorContains(t, err, "--ulimit", value)
	}
}
