package rootfs

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// mounted mounts a tmpfs on a fresh directory of the host, with a propagation,
// until the test ends.
func mounted(t *testing.T, propagation uintptr) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	require.NoError(t, unix.Mount("", dir, "", propagation, ""))
	return dir
}

// during runs a container that waits for a line on its standard input after
// its first output, and calls do meanwhile. It returns what it said.
func during(t *testing.T, s *Spec, do func()) string {
	t.Helper()
	return duringPid(t, s, func(string) { do() })
}

// duringPid gives do the pid of the container's first process.
func duringPid(t *testing.T, s *Spec, do func(pid string)) string {
	t.Helper()
	stdin, goOn, err := os.Pipe()
	require.NoError(t, err)
	output, stdout, err := os.Pipe()
	require.NoError(t, err)
	defer output.Close()
	p := &namespaces.Process{Stdin: stdin, Stdout: stdout, Stderr: stdout}
	outside := Outside(s, p)
	require.NoError(t, namespaces.Launch(p, outside))
	require.NoError(t, stdin.Close())
	require.NoError(t, stdout.Close())
	first := readAllOnce(output)
	do(strconv.Itoa(p.Pid))
	require.NoError(t, goOn.Close())
	rest := readAll(output)
	_, err = p.Wait()
	require.NoError(t, err)
	require.NoError(t, namespaces.Undo(outside))
	require.NoError(t, p.Close())
	return first + rest
}

// S35: a mount crosses the border only in the direction that was asked for.
func TestMountsPropagateAsTheVolumeSays(t *testing.T) {
	notrace.Check(t)
	for _, c := range []struct {
		option       string
		seen, leaked bool // what the host mounts is seen inside; what the container mounts is seen outside
	}{
		{"", false, false}, {"rprivate", false, false}, {"slave", true, false}, {"rslave", true, false},
		{"shared", true, true}, {"rshared", true, true}, {"unbindable", false, false},
	} {
		t.Run(c.option, func(t *testing.T) {
			source := mounted(t, unix.MS_SHARED)
			require.NoError(t, os.MkdirAll(source+"/host", 0o755))
			require.NoError(t, os.MkdirAll(source+"/container", 0o755))
			s := shell(t, "mount -t tmpfs inner /v/container && echo mounted; read wait; grep -c '/v/host' /proc/self/mountinfo; true")
			s.Capabilities = append(s.Capabilities, "CAP_SYS_ADMIN")
			s.SeccompFilter = filterFor(t, s) // whoever may mount may call mount
			s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: source, Destination: "/v", Options: []string{c.option}})
			var leaked bool
			output := during(t, s, func() {
				leaked = strings.Contains(readFile(t, "/proc/self/mountinfo"), source+"/container")
				require.NoError(t, unix.Mount("tmpfs", source+"/host", "tmpfs", 0, ""))
			})
			require.Equal(t, c.leaked, leaked, "a mount of the container on the host")
			require.Equal(t, map[bool]string{true: "mounted\n1\n", false: "mounted\n0\n"}[c.seen], output, "a mount of the host in the container")
			if leaked {
				require.NoError(t, unix.Unmount(source+"/container", unix.MNT_DETACH))
			}
			require.NoError(t, unix.Unmount(source+"/host", unix.MNT_DETACH))
		})
	}
}

func TestAVolumeCanNotBeTiedToWhatIsNotShared(t *testing.T) {
	notrace.Check(t)
	private := mounted(t, unix.MS_PRIVATE)
	shared := mounted(t, unix.MS_SHARED)
	slave := t.TempDir()
	require.NoError(t, unix.Mount(shared, slave, "", unix.MS_BIND, ""))
	defer func() { require.NoError(t, unix.Unmount(slave, unix.MNT_DETACH)) }()
	require.NoError(t, unix.Mount("", slave, "", unix.MS_SLAVE, ""))
	for _, c := range []struct{ source, option, reason string }{
		{private, "shared", "is on a mount that isn't shared"},
		{private, "rshared", "is on a mount that isn't shared"},
		{private, "rslave", "is on a mount that is neither shared nor a slave"},
		{slave, "shared", "is on a mount that isn't shared"},
		{"/does/not/exist", "shared", "no such file or directory"},
	} {
		s := box(t, "true")
		s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: c.source, Destination: "/v", Options: []string{c.option}})
		err := refused(t, s)
		require.ErrorContains(t, err, c.reason)
		require.ErrorContains(t, err, "rootfs/open_tree: mount on /v")
	}
	s := shell(t, "grep -c ' /v .*master:' /proc/self/mountinfo")
	s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: slave, Destination: "/v", Options: []string{"rslave"}})
	require.Equal(t, "1", says(t, s), "a slave can have slaves")
}

func TestTheRootHasThePropagationOfTheSpec(t *testing.T) {
	notrace.Check(t)
	for propagation, want := range map[string]string{
		"": "", "rprivate": "", "rslave": "", "shared": "shared:N", "rshared": "shared:N shared:N", "unbindable": "unbindable",
	} {
		s := shell(t, `awk '$5 == "/" || $5 == "/dev"' /proc/self/mountinfo | grep -oE '(shared|master):|unbindable' | sed 's/:/:N/' | tr '\n' ' '`)
		s.RootfsPropagation = propagation
		require.Equal(t, want, strings.TrimSpace(says(t, s)), propagation)
	}
}

// The words with an r also take away what the source has.
func TestRecursiveAttributesAreSetAndClearedOnAllMountsBelow(t *testing.T) {
	notrace.Check(t)
	source := mounted(t, unix.MS_PRIVATE)
	require.NoError(t, unix.Mount("", source, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID, ""))
	defer func() { require.NoError(t, unix.Unmount(source+"/below", unix.MNT_DETACH)) }()
	require.NoError(t, unix.Mount("", source, "", unix.MS_BIND|unix.MS_REMOUNT, ""))
	require.NoError(t, os.Mkdir(source+"/below", 0o755))
	require.NoError(t, unix.Mount("tmpfs", source+"/below", "tmpfs", unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_RDONLY, ""))
	require.NoError(t, unix.Mount("", source, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID, ""))
	for options, want := range map[string]string{
		"":                           "/v ro,nosuid,relatime|/v/below ro,nodev,noexec,relatime|",
		"rw,suid":                    "/v ro,nosuid,relatime|/v/below ro,nodev,noexec,relatime|",
		"rrw":                        "/v rw,nosuid,relatime|/v/below rw,nodev,noexec,relatime|",
		"rrw,rro":                    "/v ro,nosuid,relatime|/v/below ro,nodev,noexec,relatime|",
		"rsuid,rdev,rexec":           "/v ro,relatime|/v/below ro,relatime|",
		"rnosuid,rnodev,rnoexec,rro": "/v ro,nosuid,nodev,noexec,relatime|/v/below ro,nosuid,nodev,noexec,relatime|",
		"rnoatime":                   "/v ro,nosuid,noatime|/v/below ro,nodev,noexec,noatime|",
		"rstrictatime,rnodiratime":   "/v ro,nosuid,nodiratime|/v/below ro,nodev,noexec,nodiratime|",
		"rnoatime,ratime":            "/v ro,nosuid,relatime|/v/below ro,nodev,noexec,relatime|",
		"rnosymfollow":               "/v ro,nosuid,relatime,nosymfollow|/v/below ro,nodev,noexec,relatime,nosymfollow|",
	} {
		s := shell(t, "awk '$5 ~ \"^/v\" { printf \"%s %s|\", $5, $6 }' /proc/self/mountinfo")
		s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: source, Destination: "/v", Options: strings.Split(options, ",")})
		require.Equal(t, want, says(t, s), options)
	}
}

func TestATmpfsTakesTheModeAndIfAskedTheContentsOfItsPlace(t *testing.T) {
	notrace.Check(t)
	s := shell(t, `cd /srv; stat -c '%n %F %a %u:%g %t:%T' . d d/f link fifo node | sort; cat d/f link; touch d/new; stat -c %a /tmp /plain; df /srv | grep -c tmpfs`)
	srv := s.Rootfs + "/srv"
	require.NoError(t, os.MkdirAll(srv+"/d", 0o750))
	require.NoError(t, os.WriteFile(srv+"/d/f", []byte("kept\n"), 0o600))
	require.NoError(t, os.Symlink("d/f", srv+"/link"))
	require.NoError(t, unix.Mkfifo(srv+"/fifo", 0o640))
	require.NoError(t, unix.Mknod(srv+"/node", unix.S_IFCHR|0o660, int(unix.Mkdev(1, 3))))
	require.NoError(t, os.Chmod(srv+"/node", 0o660)) // whatever the umask
	require.NoError(t, os.Lchown(srv+"/d/f", 1000, 100))
	require.NoError(t, os.Lchown(srv+"/link", 7, 8))
	require.NoError(t, os.Chmod(srv+"/d/f", 0o755|os.ModeSetuid))
	require.NoError(t, os.Chmod(srv, 0o711))
	s.Mounts = append(s.Mounts,
		Mount{Type: "tmpfs", Destination: "/srv", Options: []string{"tmpcopyup", "size=1m"}},
		Mount{Type: "tmpfs", Destination: "/tmp"},
		Mount{Type: "tmpfs", Destination: "/plain", Options: []string{"mode=700"}})
	require.Equal(t, strings.Join([]string{
		". directory 711 0:0 0:0", "d directory 750 0:0 0:0", "d/f regular file 4755 1000:100 0:0",
		"fifo fifo 640 0:0 0:0", "link symbolic link 777 7:8 0:0", "node character special file 660 0:0 1:3",
		"kept", "kept", "1777", "700", "1",
	}, "\n"), says(t, s))
	require.NoFileExists(t, srv+"/d/new")

	s = shell(t, "cat /srv/file; touch /srv/x")
	require.NoError(t, os.Mkdir(s.Rootfs+"/srv", 0o755))
	require.NoError(t, os.WriteFile(s.Rootfs+"/srv/file", []byte("read\n"), 0o644))
	s.Mounts = append(s.Mounts, Mount{Type: "tmpfs", Destination: "/srv", Options: []string{"tmpcopyup", "ro"}})
	output, code := run(t, s)
	require.NotZero(t, code)
	require.Equal(t, []string{"read", ""}, withoutErrors(output, "Read-only file system"))

	s.Mounts[len(s.Mounts)-1].Options = []string{"tmpcopyup", "size=4k", "nr_inodes=1"}
	require.ErrorIs(t, refused(t, s), unix.ENOSPC)
}

func TestAnIDMappedVolumeShowsOtherOwners(t *testing.T) {
	notrace.Check(t)
	source := t.TempDir() // on a disk: a tmpfs can be mapped since Linux 6.3
	require.NoError(t, os.WriteFile(source+"/root", nil, 0o644))
	require.NoError(t, os.WriteFile(source+"/five", nil, 0o644))
	require.NoError(t, os.Chown(source+"/five", 5, 6))
	require.NoError(t, os.Chmod(source, 0o777))
	s := shell(t, "stat -c '%n %u:%g' /v/root /v/five; touch /v/new && stat -c %u:%g /v/new")
	s.User = "1000:1000"
	s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: source, Destination: "/v", Options: []string{"idmap"},
		UIDMappings: []namespaces.IDMapping{{ContainerID: 0, HostID: 1000, Size: 10}}, GIDMappings: []namespaces.IDMapping{{ContainerID: 0, HostID: 1000, Size: 10}}})
	require.Equal(t, "/v/root 1000:1000\n/v/five 1005:1006\n1000:1000", says(t, s))
	var stat unix.Stat_t
	require.NoError(t, unix.Stat(source+"/new", &stat))
	require.Zero(t, stat.Uid, "on the disk it is root's")

	s.Namespaces = append(s.Namespaces, namespaces.Namespace{Kind: namespaces.User})
	s.UIDMappings = []namespaces.IDMapping{{Size: 1}}
	s.GIDMappings = s.UIDMappings
	require.ErrorContains(t, refused(t, s), "only the host's root may map")
}

func TestOtherFilesystemsAreMountedByTheirName(t *testing.T) {
	notrace.Check(t)
	dir := t.TempDir()
	for _, name := range []string{"lower", "upper", "work"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	require.NoError(t, os.WriteFile(dir+"/lower/file", []byte("from below\n"), 0o644))
	s := shell(t, "cat /v/file; touch /v/new; grep -E ' /(v|r|b) ' /proc/mounts | cut -d, -f1-3 | cut -d' ' -f1-4 | sort")
	s.Mounts = append(s.Mounts,
		Mount{Type: "overlay", Source: "union", Destination: "/v", Options: []string{"nosuid", "nodev", "lowerdir=" + dir + "/lower", "upperdir=" + dir + "/upper", "workdir=" + dir + "/work"}},
		Mount{Type: "ramfs", Destination: "/r", Options: []string{"ro", "noexec"}},
		Mount{Type: "none", Source: dir, Destination: "/b", Options: []string{"rbind", "ro", "nosuid", "nodev"}})
	output := says(t, s)
	require.Contains(t, output, "from below\n")
	require.Contains(t, output, " /b ")
	require.Contains(t, output, "\nramfs /r ramfs ro,noexec,relatime\n")
	require.Contains(t, output, "\nunion /v overlay rw,nosuid,nodev")
	require.FileExists(t, dir+"/upper/new")
}
