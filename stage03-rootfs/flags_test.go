package rootfs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVolumesMountsAndTmpfsAreRead(t *testing.T) {
	noexec := []string{"nosuid", "nodev", "noexec"}
	for _, c := range []struct {
		parse func(string) (Mount, error)
		value string
		want  Mount
	}{
		{ParseVolume, "/src:/dst", Mount{"bind", "/src", "/dst", nil}},
		{ParseVolume, "/src:/dst:ro", Mount{"bind", "/src", "/dst", []string{"ro"}}},
		{ParseVolume, "/src:/dst:ro,z,cached", Mount{"bind", "/src", "/dst", []string{"ro"}}},
		{ParseVolume, "/src:/../dst/", Mount{"bind", "/src", "/dst", nil}},
		{ParseVolume, "data:/dst", Mount{"volume", "data", "/dst", nil}},
		{ParseVolume, "/dst", Mount{"volume", "", "/dst", nil}},
		{ParseTmpfs, "/t", Mount{"tmpfs", "", "/t", noexec}},
		{ParseTmpfs, "/t:size=1m,exec", Mount{"tmpfs", "", "/t", append(noexec, "size=1m", "exec")}},
		{ParseMount, "type=bind,source=/s,target=/t,readonly", Mount{"bind", "/s", "/t", []string{"ro"}}},
		{ParseMount, "type=bind,src=/s,dst=/t,ro=false", Mount{"bind", "/s", "/t", []string{"rw"}}},
		{ParseMount, `type=bind,"source=/with,comma",dst=/t`, Mount{"bind", "/with,comma", "/t", nil}},
		{ParseMount, "source=data,destination=/t", Mount{"volume", "data", "/t", nil}},
		{ParseMount, "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1770", Mount{"tmpfs", "", "/t", append(noexec, "size=64m", "mode=1770")}},
	} {
		t.Run(c.value, func(t *testing.T) {
			got, err := c.parse(c.value)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// S33, and the words of S11.
func TestBadMountsAreRefusedByTheirWords(t *testing.T) {
	for _, c := range []struct {
		parse         func(string) (Mount, error)
		value, reason string
	}{
		{ParseVolume, "../x:/a", "neither an absolute path nor a volume name"},
		{ParseVolume, "a/b:/a", "neither an absolute path nor a volume name"},
		{ParseVolume, ".:/a", "neither an absolute path nor a volume name"},
		{ParseVolume, "..:/a", "neither an absolute path nor a volume name"},
		{ParseVolume, "a\x00b:/a", "neither an absolute path nor a volume name"},
		{ParseVolume, "a\x1b[31m:/a", "neither an absolute path nor a volume name"},
		{ParseVolume, "a:/", "the destination can't be '/'"},
		{ParseVolume, "/:/", "the destination can't be '/'"},
		{ParseVolume, "/x:/a/..", "the destination can't be '/'"},
		{ParseVolume, "a:b", "must be an absolute path"},
		{ParseVolume, "v:/proc", "/proc can't be mounted over"},
		{ParseVolume, "v:/proc/self", "/proc can't be mounted over"},
		{ParseVolume, "v:/sys/../proc/sys", "/proc can't be mounted over"},
		{ParseVolume, ":/a", "no source"},
		{ParseVolume, "", "must be an absolute path"},
		{ParseVolume, "a:/b:ro:x", "too many colons"},
		{ParseVolume, "/a:/b:rshared", "mounts of a container are private"},
		{ParseTmpfs, "t", "must be an absolute path"},
		{ParseTmpfs, "/proc/sys:size=1m", "/proc can't be mounted over"},
		{ParseMount, "type=bind,dst=/t", "no source given"},
		{ParseMount, "type=bind,src=rel,dst=/t", "must be an absolute path on the host"},
		{ParseMount, "type=proc,dst=/t", "use bind, volume or tmpfs"},
		{ParseMount, "type=tmpfs,src=/x,dst=/t", "a tmpfs has no source"},
		{ParseMount, "dst=/t,colour=red", "unknown key"},
		{ParseMount, "type=bind,src=/s,dst=/t,ro=maybe", "use true or false"},
		{ParseMount, "", "EOF"},
	} {
		_, err := c.parse(c.value)
		require.ErrorContains(t, err, c.reason, "%q", c.value)
	}
}

func TestAWantedMountTakesThePlaceOfADefaultOne(t *testing.T) {
	defaults := []Mount{{Type: "proc", Destination: "/proc"}, {Type: "tmpfs", Destination: "/dev/shm"}}
	got := AddMounts(defaults, []Mount{
		{Type: "bind", Source: "/deep", Destination: "/a/b/c"},
		{Type: "bind", Source: "/shm", Destination: "/dev/shm/"},
		{Type: "bind", Source: "/outer", Destination: "/a"},
		{Type: "bind", Source: "/newer", Destination: "/a"},
	})
	require.Equal(t, []Mount{
		{Type: "proc", Destination: "/proc"},
		{Type: "bind", Source: "/shm", Destination: "/dev/shm/"},
		{Type: "bind", Source: "/newer", Destination: "/a"},
		{Type: "bind", Source: "/deep", Destination: "/a/b/c"},
	}, got)
	require.Equal(t, "tmpfs", defaults[1].Type, "the defaults are left alone")
}
