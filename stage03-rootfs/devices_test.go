package rootfs

import (
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// S25: who may make nodes gets no device by it. /dev is a mount of our own that
// isn't nodev. No driver has this number; but the cgroup is asked first, and so
// ENXIO would be a yes.
func TestADeviceThatTheContainerMakesForItselfCanNotBeOpened(t *testing.T) {
	notrace.Check(t)
	s := shell(t, `cd /dev && mknod own c 240 77 && echo made; cat own 2>&1; true`)
	s.Capabilities = append(s.Capabilities, "CAP_MKNOD")
	require.Regexp(t, "^made\n.*Operation not permitted$", says(t, s))
}

// S25: a device that was given can be used as was granted, and no further.
func TestADeviceIsUsedAsItWasGranted(t *testing.T) {
	notrace.Check(t)
	const script = `exec 2>&1; (true < /dev/given); (true > /dev/given); true`
	for _, c := range []struct {
		access     string
		privileged bool
		want       string
	}{
		{"", false, "(?i)no such device.*\n.*no such device"},
		{"r", false, "(?i)no such device.*\n.*not permitted"},
		{"w", false, "(?i)not permitted.*\n.*no such device"},
		{"m", false, "(?i)not permitted.*\n.*not permitted"},
		{"m", true, "(?i)no such device.*\n.*no such device"},
	} {
		s := shell(t, script)
		s.Privileged = c.privileged
		s.AddDevices(Device{Path: "/dev/given", Type: "c", Major: 240, Minor: 77, Mode: 0o666, Access: c.access})
		require.Regexp(t, c.want, says(t, s), "%+v", c)
	}
}
