package cgroups

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEverySortOfMachineIsRecognised(t *testing.T) {
	const (
		unified = "33 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:12 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
		root    = "25 1 8:1 / / rw,relatime - ext4 /dev/vda rw\n"
		tmpfs   = "33 24 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:12 - tmpfs tmpfs rw,mode=755,inode64\n"
		memory  = "37 33 0:31 / /sys/fs/cgroup/memory rw,relatime shared:16 - cgroup cgroup rw,memory\n"
		cpu     = "35 33 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:14 - cgroup cgroup rw,cpu,cpuacct\n"
		freezer = "39 33 0:33 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n"
		pids    = "43 33 0:37 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
		named   = "46 33 0:40 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
		network = "40 33 0:34 / /sys/fs/cgroup/net_cls,net_prio rw,relatime - cgroup cgroup rw,net_cls,net_prio\n"
		second  = "47 33 0:41 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
	)
	one := func(point string, names ...string) Hierarchy {
		return Hierarchy{Mountpoint: "/sys/fs/cgroup/" + point, Root: "/", Controllers: names}
	}
	for _, c := range []struct {
		name, mountinfo string
		want            System
	}{
		{"version 2", root + unified, System{2, []Hierarchy{{Mountpoint: "/sys/fs/cgroup", Root: "/"}}}},
		{"version 1, and the freezer comes last", tmpfs + freezer + memory + cpu + named + network + pids,
			System{1, []Hierarchy{one("cpu,cpuacct", "cpu", "cpuacct"), one("memory", "memory"), one("pids", "pids"), one("freezer", "freezer")}}},
		{"hybrid is version 1", tmpfs + memory + named + second, System{1, []Hierarchy{one("memory", "memory")}}},
		{"version 2 beside a named hierarchy", tmpfs + named + second,
			System{2, []Hierarchy{{Mountpoint: "/sys/fs/cgroup/unified", Root: "/"}}}},
		{"a hierarchy that is mounted twice counts once", memory + strings.Replace(memory, "/sys/fs", "/mnt", 1), System{1, []Hierarchy{one("memory", "memory")}}},
		{"in a container the top is deeper", "37 33 0:31 /docker/1234 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			System{1, []Hierarchy{{Mountpoint: "/sys/fs/cgroup/memory", Root: "/docker/1234", Controllers: []string{"memory"}}}}},
		{"a mount point with a space", `33 24 0:27 / /my\040cgroups rw - cgroup2 none rw` + "\n", System{2, []Hierarchy{{Mountpoint: "/my cgroups", Root: "/"}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadSystem(strings.NewReader(c.mountinfo))
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestAMachineWithoutCgroupsIsToldWhatToDo(t *testing.T) {
	_, err := ReadSystem(strings.NewReader("25 1 8:1 / / rw,relatime - ext4 /dev/vda rw\n"))
	require.ErrorContains(t, err, "mount -t cgroup2")
	_, err = ReadSystem(strings.NewReader("not a mountinfo\n"))
	require.ErrorContains(t, err, "unexpected line")
}

func FuzzReadSystem(f *testing.F) {
	f.Add("33 24 0:27 / /sys/fs/cgroup rw shared:12 - cgroup2 cgroup2 rw,nsdelegate\n")
	f.Add("37 33 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
	f.Fuzz(func(t *testing.T, text string) {
		system, err := ReadSystem(strings.NewReader(text))
		if err == nil {
			require.NotEmpty(t, system.Hierarchies)
			require.NotEmpty(t, system.group("cooper/x").home())
		}
	})
}

func TestAGroupIsAlwaysBelowTheTop(t *testing.T) {
	for path, want := range map[string]string{
		"cooper/x": "cooper/x", "/cooper/x": "cooper/x", "a": "a", "a/./b//c": "a/b/c", "a/../b": "b",
		"": "", "/": "", ".": "", "..": "", "../x": "", "a/../..": "", "/../x": "", "a\nb": "", "a\x00": "",
	} {
		got, err := checkPath(path)
		require.Equal(t, want, got, "%q", path)
		require.Equal(t, want == "", err != nil, "%q", path)
	}
	_, err := (&Spec{}).path()
	require.ErrorContains(t, err, "neither an id nor a cgroup path")
	for _, id := range []string{"..", "../..", "."} {
		s := &Spec{}
		s.ID = id
		path, _ := s.path()
		require.NotEqual(t, ".", path)
		require.NotContains(t, path, "..")
	}
}
