package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestABindCanBeOfAnotherContainersMount(t *testing.T) {
	notrace.Check(t)
	donor := box(t)
	donor.Mounts = append(donor.Mounts, loader()...)
	require.NoError(t, os.WriteFile(filepath.Join(donor.Rootfs, "etc/mark"), []byte("the donor's"), 0o644))
	require.NoError(t, os.Symlink("/etc", filepath.Join(donor.Rootfs, "trap")))
	require.NoError(t, os.Symlink("/proc/1/root", filepath.Join(donor.Rootfs, "magic")))
	pid := stay(t, donor)
	from := func(source string, options ...string) Mount {
		return Mount{Type: "bind", Source: source, Destination: "/v", Options: options, Namespace: fmt.Sprintf("/proc/%d/ns/mnt", pid)}
	}
	taker := func(m Mount, script string) *Spec {
		s := shell(t, script)
		s.Mounts = append(s.Mounts, m)
		return s
	}

	// The same filesystem, and more flags for one of them alone.
	require.Equal(t, "tmpfs", says(t, taker(from("/dev/shm", "ro"), "touch /v/no 2>/dev/null; stat -f -c %T /v")))
	require.Equal(t, "", says(t, taker(from("/dev/shm", "noexec"), "echo hello > /v/file; grep ' /v ' /proc/mounts | grep -v noexec; true")))
	require.Equal(t, "hello", says(t, joining(donor, pid, "cat", "/dev/shm/file")))
	require.Equal(t, "1", says(t, joining(donor, pid, "sh", "-c", "ls /dev/shm | wc -l")))
	require.NoFileExists(t, "/dev/shm/file", "the host's is another one")

	// Links lead where they lead in the donor; through those of /proc it could
	// lead us anywhere.
	require.Equal(t, "the donor's", says(t, taker(from("/trap"), "cat /v/mark")))
	require.ErrorIs(t, refused(t, taker(from("/magic"), "true")), unix.ELOOP)
	err := refused(t, taker(from("/not/there"), "true"))
	require.ErrorIs(t, err, unix.ENOENT)
	require.ErrorContains(t, err, "rootfs/open_tree: mount on /v")
	gone := from("/dev/shm")
	gone.Namespace = "/proc/4194304/ns/mnt" // a pid that there can't be
	require.ErrorIs(t, refused(t, taker(gone, "true")), unix.ENOENT)
}

func TestOnlyABindHasAMountNamespace(t *testing.T) {
	for reason, m := range map[string]Mount{
		"give a bind the absolute path":        {Type: "tmpfs", Destination: "/v", Namespace: "/proc/1/ns/mnt"},
		"the absolute path of its file":        {Type: "bind", Source: "/s", Destination: "/v", Namespace: "ns/mnt"},
		"its source is another container's":    {Type: "bind", Source: "/s", Destination: "/v", Namespace: "/proc/1/ns/mnt", Options: []string{"rslave"}},
		"the source \"s\" must be an absolute": {Type: "bind", Source: "s", Destination: "/v", Namespace: "/proc/1/ns/mnt"},
	} {
		require.ErrorContains(t, m.validate(), reason)
	}
}
