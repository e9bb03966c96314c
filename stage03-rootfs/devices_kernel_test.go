package rootfs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestDevHasTheStandardDevicesAndTheyWork(t *testing.T) {
	notrace.Check(t)
	require.Equal(t, strings.Join([]string{
		"null 1:3 666 0:0", "zero 1:5 666 0:0", "full 1:7 666 0:0", "random 1:8 666 0:0", "urandom 1:9 666 0:0", "tty 5:0 666 0:0",
		"ptmx pts/ptmx", "fd /proc/self/fd", "stdin /proc/self/fd/0", "stdout /proc/self/fd/1", "stderr /proc/self/fd/2",
		"0", "4", "full",
	}, "\n"), says(t, shell(t, `cd /dev
		for d in null zero full random urandom tty; do echo $d $((0x$(stat -c %t $d))):$((0x$(stat -c %T $d))) $(stat -c '%a %u:%g' $d); done
		for l in ptmx fd stdin stdout stderr; do echo $l $(readlink $l); done
		echo x > null; wc -c < null
		head -c 4 urandom | wc -c
		echo x 2> null > full || echo full`)))
}

func TestDevicesOfTheSpecAreMade(t *testing.T) {
	notrace.Check(t)
	s := shell(t, "stat -c '%F %a %u:%g %t:%T' /dev/deep/kmsg /dev/blk; ls -l /dev/null | cut -c1")
	s.Devices = []Device{
		{Path: "/dev/deep/kmsg", Type: "c", Major: 1, Minor: 11, Mode: 0o622, UID: 1000, GID: 5},
		{Path: "/dev/blk", Type: "b", Major: 7, Minor: 200, Mode: 0o660},
		standardDevices[0], // given once more
	}
	require.Equal(t, "character special file 622 1000:5 1:b\nblock special file 660 0:0 7:c8\nc", says(t, s))

	s = box(t, "true")
	s.Devices = []Device{{Path: "/dev/null", Type: "c", Major: 1, Minor: 1, Mode: 0o666}}
	require.ErrorIs(t, refused(t, s), unix.ENODEV)
}

func TestInAUserNamespaceTheHostsDevicesAreBound(t *testing.T) {
	notrace.Check(t)
	s := shell(t, "echo x > /dev/null && head -c 3 /dev/zero | wc -c; id -u; chmod 600 /dev/null || grep -c ' /dev/null .*ro' /proc/mounts")
	s.Namespaces = append(s.Namespaces, namespaces.Namespace{Kind: namespaces.User})
	s.UIDMappings = []namespaces.IDMapping{{ContainerID: 0, HostID: 100000, Size: 65536}}
	s.GIDMappings = s.UIDMappings
	require.NoError(t, filepath.WalkDir(s.Rootfs, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, 100000, 100000)
	}))
	for dir := s.Rootfs; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		require.NoError(t, os.Chmod(dir, 0o755)) // the mapped root must get there
	}
	require.Equal(t, []string{"3", "0", "1"}, withoutErrors(says(t, s), "Read-only file system"))
}
