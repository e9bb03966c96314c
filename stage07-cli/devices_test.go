package cli

import (
	"testing"

	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

func TestADeviceIsReadAsDockerWritesIt(t *testing.T) {
	for value, want := range map[string]engine.Device{
		"/dev/fuse":            {Host: "/dev/fuse", Container: "/dev/fuse", Permissions: "rwm"},
		"/dev/fuse:rw":         {Host: "/dev/fuse", Container: "/dev/fuse", Permissions: "rw"},
		"/dev/fuse:/dev/f":     {Host: "/dev/fuse", Container: "/dev/f", Permissions: "rwm"},
		"/dev/fuse:/dev/f:mr":  {Host: "/dev/fuse", Container: "/dev/f", Permissions: "mr"},
		"/dev/snd:/dev/snd:rw": {Host: "/dev/snd", Container: "/dev/snd", Permissions: "rw"},
	} {
		devices, err := parseDevices([]string{value})
		require.NoError(t, err, value)
		require.Equal(t, []engine.Device{want}, devices)
	}
	for _, value := range []string{"", "fuse", "/dev/fuse:", "/dev/fuse:rr", "/dev/fuse:x", "/dev/fuse:/dev/f:", "/dev/fuse:f:rw", "/a:/b:r:w"} {
		_, err := parseDevices([]string{value})
		require.ErrorContains(t, err, "--device", value)
	}
}
