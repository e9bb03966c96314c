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

// S24: a tmpfs is memory. Who fills one that is larger than the limit gets no
// more than who asks for memory in the usual way.
func TestSharedMemoryCountsAsTheContainersMemory(t *testing.T) {
	notrace.Check(t)
	s := shell(t, "exec cat /dev/zero > /dev/shm/file")
	s.Limits.Memory, s.Limits.MemorySwap = 16<<20, 16<<20
	output, code := run(t, s)
	require.Equal(t, 137, code, output)
}

// S29
func TestARaceForTheMountPointNeverLeavesTheRoot(t *testing.T) {
	notrace.Check(t)
	shared, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(shared+"/d", 0o755))
	require.NoError(t, os.Symlink(outside, shared+"/link"))
	source := t.TempDir()
	require.NoError(t, os.WriteFile(source+"/mine", nil, 0o644))
	s := shell(t, "ls /mnt/d/etc/mine /mnt/d/x >/dev/null 2>&1; true")
	s.Mounts = AddMounts(s.Mounts, []Mount{
		{Type: "bind", Source: shared, Destination: "/mnt"},
		{Type: "bind", Source: source, Destination: "/mnt/d/etc"},
		{Type: "tmpfs", Destination: "/mnt/d/x"},
	})
	stop := exchange(shared+"/d", shared+"/link")
	defer stop()
	for range 60 {
		_, _, _ = try(t, s) // it may start or not, but:
		requireEmpty(t, outside)
	}
}

// S30
func TestAnImageFullOfLinksIsResolvedInsideOrRefused(t *testing.T) {
	notrace.Check(t)
	for _, link := range []string{"dev", "proc", "sys", "etc", "srv", "root", "dev/pts", "dev/shm", "etc/passwd"} {
		for _, terminal := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, terminal %v", link, terminal), func(t *testing.T) {
				outside := t.TempDir()
				s := box(t, "true")
				s.Hostname, s.Cwd, s.User, s.Terminal = "web", "/srv/work", "root", terminal
				require.NoError(t, os.RemoveAll(filepath.Join(s.Rootfs, link)))
				require.NoError(t, os.Symlink(outside, filepath.Join(s.Rootfs, link)))
				_, code, err := try(t, s)
				requireEmpty(t, outside)
				switch link {
				case "dev", "proc", "sys":
					require.ErrorContains(t, err, "rootfs/")
				case "etc", "etc/passwd":
					require.ErrorContains(t, err, "unable to find user root")
				default:
					require.NoError(t, err)
					require.Zero(t, code)
				}
			})
		}
	}
}

// S33: an image may declare a volume anywhere; the way up ends at the root.
func TestADestinationCanNotClimbOutOfTheRoot(t *testing.T) {
	notrace.Check(t)
	source := t.TempDir()
	require.NoError(t, os.WriteFile(source+"/mine", nil, 0o644))
	s := shell(t, "ls /etc/deep /up/deep")
	require.NoError(t, os.Symlink("../../../../../../..", s.Rootfs+"/up"))
	s.Mounts = AddMounts(s.Mounts, []Mount{
		{Type: "bind", Source: source, Destination: "/../../../../../etc/deep"},
		{Type: "bind", Source: source, Destination: "/up/deep"},
	})
	require.Equal(t, "/etc/deep:\nmine\n\n/up/deep:\nmine", says(t, s))
	require.DirExists(t, s.Rootfs+"/deep", "which is where /up/deep is")
}

// S34
func TestReadOnlyCoversWhatIsMountedBelowAndKeepsOldFlags(t *testing.T) {
	notrace.Check(t)
	source := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", source, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""))
	defer func() { require.NoError(t, unix.Unmount(source, unix.MNT_DETACH)) }()
	require.NoError(t, os.Mkdir(source+"/below", 0o755))
	require.NoError(t, unix.Mount("tmpfs", source+"/below", "tmpfs", unix.MS_NOSUID, ""))

	for _, c := range []struct {
		options []string
		want    string
	}{
		{nil, "/v rw,nosuid,nodev,noexec,relatime|/v/below rw,nosuid,relatime|"},
		{[]string{"ro"}, "/v ro,nosuid,nodev,noexec,relatime|/v/below ro,nosuid,relatime|"},
		{[]string{"rw", "suid", "dev", "exec"}, "/v rw,nosuid,nodev,noexec,relatime|/v/below rw,nosuid,relatime|"},
		{[]string{"ro", "bind-recursive=writable", "noexec"}, "/v ro,nosuid,nodev,noexec,relatime|/v/below rw,nosuid,noexec,relatime|"},
		{[]string{"ro", "bind-recursive=disabled"}, "/v ro,nosuid,nodev,noexec,relatime|"},
		{[]string{"noatime"}, "/v rw,nosuid,nodev,noexec,noatime|/v/below rw,nosuid,noatime|"},
	} {
		s := shell(t, "awk '$5 ~ \"^/v\" { printf \"%s %s|\", $5, $6 }' /proc/self/mountinfo")
		s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: source, Destination: "/v", Options: c.options})
		require.Equal(t, c.want, says(t, s), "%v", c.options)
	}
	s := shell(t, "touch /v/x || touch /v/below/x || echo refused")
	s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: source, Destination: "/v", Options: []string{"ro"}})
	require.Equal(t, []string{"refused"}, withoutErrors(says(t, s), "Read-only file system"))
}

// S35: the leave-no-trace check compares the host's mounts.
func TestWhatAPrivilegedContainerMountsOrUnmountsTheHostDoesNotSee(t *testing.T) {
	notrace.Check(t)
	source := t.TempDir()
	s := shell(t, "mount -t tmpfs inner /v && mount -t tmpfs inner /tmp && grep -c '^inner ' /proc/mounts; umount -l /")
	s.Privileged, s.SeccompFilter = true, nil
	s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: source, Destination: "/v"})
	before := readFile(t, "/proc/self/mountinfo")
	output, _ := run(t, s)
	require.Equal(t, "2\n", output)
	require.Equal(t, before, readFile(t, "/proc/self/mountinfo"))
}

// S36: the way out of a chroot: another chroot below, and a directory that is
// open above. It needs CAP_SYS_CHROOT, which a container has.
func TestTheWayOutOfAChrootEndsAtTheContainersRoot(t *testing.T) {
	notrace.Check(t)
	s := shell(t, `mkdir /cell; cp /bin/busybox /cell/busybox
		nsenter --root=/cell --wd=/ /busybox sh -c 'for i in 1 2 3 4 5 6 7 8 9; do cd ..; done; /busybox chroot . /bin/sh -c "cat /secret; ls /proc/1/root/secret"'`)
	require.NoError(t, os.WriteFile(s.Rootfs+"/secret", []byte("the container's own\n"), 0o644))
	require.Equal(t, "the container's own\n/proc/1/root/secret", says(t, s))
}
