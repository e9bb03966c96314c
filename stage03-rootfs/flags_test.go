package rootfs

import (
	"testing"

	namespaces "cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
)

func TestVolumesMountsAndTmpfsAreRead(t *testing.T) {
	noexec := []string{"nosuid", "nodev", "noexec"}
	for _, c := range []struct {
		parse func(string) (Mount, error)
		value string
		want  Mount
	}{
		{ParseVolume, "/src:/dst", Mount{Type: "bind", Source: "/src", Destination: "/dst", Options: nil}},
		{ParseVolume, "/src:/dst:ro", Mount{Type: "bind", Source: "/src", Destination: "/dst", Options: []string{"ro"}}},
		{ParseVolume, "/src:/dst:ro,z,cached", Mount{Type: "bind", Source: "/src", Destination: "/dst", Options: []string{"ro", "z"}}},
		{ParseVolume, "/src:/../dst/", Mount{Type: "bind", Source: "/src", Destination: "/dst", Options: nil}},
		{ParseVolume, "data:/dst", Mount{Type: "volume", Source: "data", Destination: "/dst", Options: nil}},
		{ParseVolume, "/dst", Mount{Type: "volume", Source: "", Destination: "/dst", Options: nil}},
		{ParseTmpfs, "/t", Mount{Type: "tmpfs", Source: "", Destination: "/t", Options: noexec}},
		{ParseTmpfs, "/t:size=1m,exec", Mount{Type: "tmpfs", Source: "", Destination: "/t", Options: append(noexec, "size=1m", "exec")}},
		{ParseMount, "type=bind,source=/s,target=/t,readonly", Mount{Type: "bind", Source: "/s", Destination: "/t", Options: []string{"ro"}}},
		{ParseMount, "type=bind,src=/s,dst=/t,ro=false", Mount{Type: "bind", Source: "/s", Destination: "/t", Options: []string{"rw"}}},
		{ParseMount, `type=bind,"source=/with,comma",dst=/t`, Mount{Type: "bind", Source: "/with,comma", Destination: "/t", Options: nil}},
		{ParseMount, "type=bind,src=/s,dst=/t,bind-propagation=rslave,relabel=private,bind-nonrecursive", Mount{Type: "bind", Source: "/s", Destination: "/t", Options: []string{"rslave", "Z", "bind-recursive=disabled"}}},
		{ParseVolume, "/s:/t:ro,idmap=uids=0-1000-1;gids=0-1000-1,nosuid", Mount{Type: "bind", Source: "/s", Destination: "/t", Options: []string{"ro", "ridmap", "nosuid"},
			UIDMappings: []namespaces.IDMapping{{ContainerID: 0, HostID: 1000, Size: 1}}, GIDMappings: []namespaces.IDMapping{{ContainerID: 0, HostID: 1000, Size: 1}}}},
		{ParseMount, "type=bind,src=/s,dst=/t,idmap=uids=0-100000-10#10-5-1;gids=0-100000-1", Mount{Type: "bind", Source: "/s", Destination: "/t", Options: []string{"ridmap"},
			UIDMappings: []namespaces.IDMapping{{ContainerID: 0, HostID: 100000, Size: 10}, {ContainerID: 10, HostID: 5, Size: 1}}, GIDMappings: []namespaces.IDMapping{{ContainerID: 0, HostID: 100000, Size: 1}}}},
		{ParseMount, "type=tmpfs,dst=/t,tmpcopyup", Mount{Type: "tmpfs", Source: "", Destination: "/t", Options: append(noexec, "tmpcopyup")}},
		{ParseMount, "source=data,destination=/t", Mount{Type: "volume", Source: "data", Destination: "/t", Options: nil}},
		{ParseMount, "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1770", Mount{Type: "tmpfs", Source: "", Destination: "/t", Options: append(noexec, "size=64m", "mode=1770")}},
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
		{ParseVolume, "/a:/b:frob", "unknown option \"frob\""},
		{ParseVolume, "/a:/b:remount", "give it its options at once"},
		{ParseVolume, "/a:/b:tmpcopyup", "tmpcopyup is for a tmpfs"},
		{ParseVolume, "/a:/b:idmap", "idmap needs mappings of uids and gids: write idmap=uids=0-1000-1;gids=0-1000-1"},
		{ParseVolume, "/a:/b:idmap=", "write CONTAINER-HOST-SIZE"},
		{ParseVolume, "/a:/b:ro,idmap=uids=0-1;gids=0-1-1", "write CONTAINER-HOST-SIZE"},
		{ParseVolume, "/a:/b:idmap=uids=0-1-1", "idmap needs mappings"},
		{ParseTmpfs, "t", "must be an absolute path"},
		{ParseTmpfs, "/proc/sys:size=1m", "/proc can't be mounted over"},
		{ParseMount, "type=bind,dst=/t", "no source given"},
		{ParseMount, "type=bind,src=rel,dst=/t", "must be an absolute path on the host"},
		{ParseMount, "type=proc,dst=/t", "use bind, volume or tmpfs"},
		{ParseMount, "type=tmpfs,src=/x,dst=/t", "a tmpfs has no source"},
		{ParseMount, "dst=/t,colour=red", "unknown key"},
		{ParseMount, "type=bind,src=/s,dst=/t,bind-propagation=loose", "use private, slave, shared or unbindable"},
		{ParseMount, "bind-recursive=disabled,dst=/t", "bind-recursive is for a mount of type bind, and this is a volume"},
		{ParseMount, "type=bind,src=/s,dst=/t,tmpfs-size=1m", "tmpfs-size is for a mount of type tmpfs, and this is a bind"},
		{ParseMount, "type=bind,src=/s,dst=/t,relabel=yes", "use shared or private"},
		{ParseMount, "type=bind,src=/s,dst=/t,idmap=uids=0-1", "write CONTAINER-HOST-SIZE"},
		{ParseMount, "type=bind,src=/s,dst=/t,idmap=uids=0-1-1", "idmap needs mappings"},
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
