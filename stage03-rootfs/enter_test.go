package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// mountinfo is what a container sees of its mounts: destination, options and
// type, in the kernel's order.
func mountinfo(t *testing.T, s *Spec) (lines []string) {
	t.Helper()
	s.Args = []string{"cat", "/proc/self/mountinfo"}
	for line := range strings.Lines(says(t, s)) {
		left, right, _ := strings.Cut(line, " - ")
		a, b := strings.Fields(left), strings.Fields(right)
		lines = append(lines, a[4]+" "+a[5]+" "+b[0])
	}
	return lines
}

// S36: not one mount more than those that the Spec names.
func TestTheContainerHasItsOwnMountsAndNoOthers(t *testing.T) {
	notrace.Check(t)
	s := box(t)
	s.MaskedPaths, s.ReadonlyPaths = []string{"/proc/keys", "/sys/firmware"}, []string{"/proc/sys"}
	var got []string
	for _, line := range mountinfo(t, s) {
		if !strings.HasPrefix(line, "/sys/fs/cgroup") {
			got = append(got, line)
		}
	}
	require.Equal(t, []string{
		"/proc rw,nosuid,nodev,noexec,relatime proc",
		"/dev rw,nosuid tmpfs",
		"/dev/pts rw,nosuid,noexec,relatime devpts",
		"/sys ro,nosuid,nodev,noexec,relatime sysfs",
		"/dev/mqueue rw,nosuid,nodev,noexec,relatime mqueue",
		"/dev/shm rw,nosuid,nodev,noexec,relatime tmpfs",
		"/proc/keys ro,nosuid tmpfs",
		"/sys/firmware ro,nosuid,nodev,noexec,relatime tmpfs",
		"/proc/sys ro,nosuid,nodev,noexec,relatime proc",
	}, got[1:])
	require.Contains(t, got[0], "/ rw")
}

func TestNoMountIsShared(t *testing.T) {
	notrace.Check(t)
	require.Equal(t, "0", says(t, shell(t, "grep -cE 'shared:|master:' /proc/self/mountinfo || true")))
}

func TestSharedMemoryAndQueuesAreTheContainersOwn(t *testing.T) {
	notrace.Check(t)
	host := filepath.Join("/dev/shm", "cooper-"+namespaces.NewID())
	require.NoError(t, os.WriteFile(host, nil, 0o600))
	defer os.Remove(host)
	require.Equal(t, "65536\n1777\n1777\n0", says(t, shell(t, `df -k /dev/shm | awk 'NR==2 {print $2}'
		stat -c %a /dev/shm /dev/mqueue; ls /dev/shm | wc -l`)))
}

// S27
func TestATmpfsIsBoundedAndHarmless(t *testing.T) {
	notrace.Check(t)
	s := shell(t, "grep ' /t ' /proc/mounts | cut -d' ' -f4 | sed s/,inode64//; head -c 2000000 /dev/zero > /t/x; stat -c %s /t/x; head -c 70000000 /dev/zero > /dev/shm/x; stat -c %s /dev/shm/x")
	m, err := ParseTmpfs("/t:size=1m")
	require.NoError(t, err)
	s.Mounts = append(s.Mounts, m)
	output := says(t, s)
	require.Equal(t, []string{"rw,nosuid,nodev,noexec,relatime,size=1024k,mode=755", "1048576", "67108864"}, withoutErrors(output, "head: standard output"))
}

// withoutErrors drops the lines with the expected error, of which there must
// be one at least.
func withoutErrors(output, expected string) (lines []string) {
	seen := false
	for _, line := range strings.Split(output, "\n") {
		if strings.Contains(line, expected) {
			seen = true
			continue
		}
		lines = append(lines, line)
	}
	if !seen {
		lines = append(lines, "missing: "+expected)
	}
	return lines
}

func TestTheCgroupViewIsTheContainersOwnAndReadOnly(t *testing.T) {
	notrace.Check(t)
	s := shell(t, `cd /sys/fs/cgroup; f=pids/pids.max; test -e $f || f=pids.max; cat $f
		test -z "$(find . -name '*cooper*')" && echo no others
		echo 99 > $f || mkdir $(dirname $f)/x || touch x || echo read-only`)
	s.Limits.Pids = 33
	require.Equal(t, []string{"33", "no others", "read-only"}, withoutErrors(says(t, s), "Read-only file system"))
}

func TestAReadOnlyRootCanNotBeWrittenButItsVolumesCan(t *testing.T) {
	notrace.Check(t)
	s := shell(t, "touch /x || touch /etc/x || mkdir /new || touch /v/x && touch /dev/shm/x && echo yes")
	s.ReadonlyRootfs, s.Cwd = true, "/made/before"
	source := t.TempDir()
	s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: source, Destination: "/v"})
	require.Equal(t, []string{"yes"}, withoutErrors(says(t, s), "Read-only file system"))
	require.FileExists(t, filepath.Join(source, "x"))
}

func TestVolumesShowTheHostsFiles(t *testing.T) {
	notrace.Check(t)
	source := t.TempDir()
	require.NoError(t, os.WriteFile(source+"/file", []byte("from the host"), 0o644))
	s := shell(t, "cat /a/b/dir/file /etc/motd; echo; echo back > /a/b/dir/new; echo x > /ro/file || true; cat /link/file")
	require.NoError(t, os.Symlink("/run/not/there", s.Rootfs+"/link"))
	require.NoError(t, os.Symlink("../run/motd", s.Rootfs+"/etc/motd"))
	s.Mounts = AddMounts(s.Mounts, []Mount{
		{Type: "bind", Source: source, Destination: "/a/b/dir"},
		{Type: "bind", Source: source + "/file", Destination: "/etc/motd"},
		{Type: "bind", Source: source, Destination: "/ro", Options: []string{"ro"}},
		{Type: "bind", Source: source, Destination: "/link"},
	})
	require.Equal(t, []string{"from the hostfrom the host", "from the host"}, withoutErrors(says(t, s), "Read-only file system"))
	back, err := os.ReadFile(source + "/new")
	require.NoError(t, err)
	require.Equal(t, "back\n", string(back))
}

func TestAMountThatDoesNotFitIsRefusedInWords(t *testing.T) {
	notrace.Check(t)
	for reason, m := range map[string]Mount{
		"no such file or directory":                         {Type: "bind", Source: "/does/not/exist", Destination: "/v"},
		"is a file in the container, and a directory":       {Type: "bind", Source: t.TempDir(), Destination: "/etc/passwd"},
		"is a directory in the container, and a file":       {Type: "bind", Source: "/etc/passwd", Destination: "/etc"},
		"unknown option \"size=1m\"":                        {Type: "bind", Source: "/etc", Destination: "/v", Options: []string{"size=1m"}},
		"tmpfs: Bad value for 'size'":                       {Type: "tmpfs", Destination: "/t", Options: []string{"size=much"}},
		"the kernel knows no such filesystem: no such devi": {Type: "coopfs", Destination: "/t"},
	} {
		s := box(t, "true")
		s.Mounts = append(s.Mounts, m)
		require.ErrorContains(t, refused(t, s), reason)
	}
}

func TestAConsoleIsTheTerminal(t *testing.T) {
	notrace.Check(t)
	s := shell(t, `tty; stat -c '%t:%T %a %g' /dev/console /dev/pts/0 | uniq | cut -d' ' -f2-; echo hello > /dev/console`)
	require.Equal(t, "/dev/pts/0\r\n620 5\r\nhello\r\n", showsOnTerminal(t, s))
}

// showsOnTerminal launches a container with a terminal, and returns what it
// wrote there.
func showsOnTerminal(t *testing.T, s *Spec) string {
	t.Helper()
	s.Terminal = true
	p := &namespaces.Process{}
	outside := Outside(s, p)
	require.NoError(t, namespaces.Launch(p, outside))
	output := readAll(p.Console)
	_, err := p.Wait()
	require.NoError(t, err)
	require.NoError(t, namespaces.Undo(outside))
	require.NoError(t, p.Close())
	return output
}

// readAll reads a terminal until its last process has closed it: EIO.
func readAll(console *os.File) string {
	var output strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := console.Read(buffer)
		output.Write(buffer[:n])
		if err != nil {
			return output.String()
		}
	}
}

func TestAPrivilegedContainerHasWhatTheEngineHas(t *testing.T) {
	notrace.Check(t)
	held, err := capget()
	require.NoError(t, err)
	s := shell(t, `grep -E 'Cap(Eff|Bnd)' /proc/self/status | cut -f2 | uniq; mount -t tmpfs none /mnt && echo mounted
		grep -c ' /sys sysfs rw' /proc/mounts; ls /dev/kmsg; test -w /proc/sys/kernel/hostname && echo writable; mount | grep -c '/proc/'`)
	s.Privileged, s.SeccompFilter = true, nil
	require.NoError(t, os.Mkdir(s.Rootfs+"/mnt", 0o755))
	output, _ := run(t, s)
	require.Equal(t, fmt.Sprintf("%016x\nmounted\n1\n/dev/kmsg\nwritable\n0\n", uint64(held)), output)
}

func TestKernelParametersOfTheContainersNamespacesAreSet(t *testing.T) {
	notrace.Check(t)
	const read = "cd /proc/sys; cat net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range kernel/shmmni net/ipv4/ip_forward"
	s := shell(t, read)
	s.Sysctl = map[string]string{"kernel.shmmni": "77", "net.ipv4.ip_forward": "1"}
	require.Equal(t, "0\n0\t2147483647\n77\n1", says(t, s))
	require.Equal(t, "1024", says(t, func() *Spec {
		s := shell(t, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start")
		s.Sysctl = map[string]string{"net/ipv4/ip_unprivileged_port_start": "1024"}
		return s
	}()), "asked for, in the place of the default")

	s = box(t, "true") // S17: the kernel gets the value as one, and refuses it
	s.Sysctl = map[string]string{"net.ipv4.ip_forward": "1+kernel.core_pattern=|/x"}
	require.ErrorIs(t, refused(t, s), unix.EINVAL)
}
