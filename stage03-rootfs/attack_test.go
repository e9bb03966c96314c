package rootfs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The cases are numbered as in the project's list of attacks. Each was seen to
// succeed with its defence taken out.

// S02
func TestADescriptorOfTheHostIsNoWorkingDirectory(t *testing.T) {
	notrace.Check(t)
	host, err := os.Open("/etc") // what an engine may have left open
	require.NoError(t, err)
	defer host.Close()
	require.NoError(t, clearCloseOnExec(host))
	for n := 3; n <= 12; n++ {
		s := box(t, "cat", "hostname")
		s.Cwd = fmt.Sprintf("/proc/self/fd/%d", n)
		require.ErrorContains(t, refused(t, s), "working directory")
	}
	require.Equal(t, "0 1 2 3 ", says(t, shell(t, "ls /proc/self/fd | tr '\\n' ' '")), "3 is the directory that ls itself reads")
}

func clearCloseOnExec(file *os.File) error {
	_, err := unix.FcntlInt(file.Fd(), unix.F_SETFD, 0)
	return err
}

// S03: whoever gets at PID 1's memory gets no more than they had. With an init
// of ours as PID 1 that is true only if none of its threads has more.
func TestNoThreadOfOurInitHasMoreThanTheContainer(t *testing.T) {
	notrace.Check(t)
	s := shell(t, `cat /proc/1/task/*/status | grep -E '^(Uid|CapPrm|CapBnd|NoNewPrivs)' | sort -u
		dd if=/dev/zero of=/proc/1/exe bs=1 count=1 conv=notrunc 2>/dev/null && echo overwritten; head -c 16 /proc/1/cmdline`)
	s.Init, s.NoNewPrivileges, s.Mounts = true, true, append(s.Mounts, loader()...)
	require.Equal(t, "CapBnd:\t00000000800405fb\nCapPrm:\t00000000800405fb\nNoNewPrivs:\t1\nUid:\t0\t0\t0\t0\ncontainer-reaper", says(t, s))

	s = shell(t, "cat /proc/1/task/*/status | grep -E '^(Uid|Groups|CapPrm)' | sort -u")
	s.Init, s.User, s.Mounts = true, "alice", append(s.Mounts, loader()...)
	require.Equal(t, "CapPrm:\t0000000000000000\nGroups:\t29 100 1000 \nUid:\t1000\t1000\t1000\t1000", says(t, s))
}

// S09: what lies at /dev/null must be the null device, or no container starts.
func TestAMaskIsNeverBoundFromAnotherFile(t *testing.T) {
	notrace.Check(t)
	pattern := readFile(t, "/proc/sys/kernel/core_pattern")
	for what, make := range map[string]func(null string) error{
		"a link":      func(null string) error { return os.Symlink("/proc/sys/kernel/core_pattern", null) },
		"a file":      func(null string) error { return os.WriteFile(null, []byte("data"), 0o666) },
		"a directory": func(null string) error { return os.Mkdir(null, 0o755) },
		"a node":      func(null string) error { return unix.Mknod(null, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 1))) },
	} {
		t.Run("in the image, "+what, func(t *testing.T) {
			s := shell(t, "cat /proc/timer_list /proc/keys /proc/interrupts; echo x > /proc/keys; stat -c %F /dev/null")
			require.NoError(t, make(s.Rootfs+"/dev/null"))
			require.Equal(t, "character special file", says(t, s))
		})
		t.Run("in a volume over /dev, "+what, func(t *testing.T) {
			volume := t.TempDir()
			require.NoError(t, make(volume+"/null"))
			s := box(t, "true")
			s.Mounts = AddMounts(s.Mounts, []Mount{{Type: "bind", Source: volume, Destination: "/dev"}})
			require.ErrorContains(t, refused(t, s), "rootfs/mask")
		})
	}
	require.Equal(t, pattern, readFile(t, "/proc/sys/kernel/core_pattern"))
}

func TestAVolumeThatIsSwappedMeanwhileIsNoMaskEither(t *testing.T) {
	notrace.Check(t)
	pattern := readFile(t, "/proc/sys/kernel/core_pattern")
	volume := t.TempDir()
	require.NoError(t, unix.Mknod(volume+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
	require.NoError(t, os.Symlink("/proc/sys/kernel/core_pattern", volume+"/link"))
	s := shell(t, "cat /proc/keys 2> /tmp/err; (echo pwned > /proc/keys) 2> /tmp/err; (echo pwned > /proc/timer_list) 2> /tmp/err; true")
	s.Mounts = AddMounts(s.Mounts, []Mount{{Type: "bind", Source: volume, Destination: "/dev"}})
	stop := exchange(volume+"/null", volume+"/link")
	defer stop()
	for range 40 {
		if output, _, err := try(t, s); err == nil {
			require.Empty(t, output)
		}
		require.Equal(t, pattern, readFile(t, "/proc/sys/kernel/core_pattern"))
	}
}

// exchange swaps two names as fast as it can, until stop is called.
func exchange(a, b string) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-end:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
			}
		}
	}()
	return func() { close(end); <-ended }
}

// S10: where the terminal's name leads to another file by now, be it before the
// terminal is opened or before it is bound to /dev/console.
func TestATerminalIsNeverLookedUpByItsName(t *testing.T) {
	notrace.Check(t)
	for _, moment := range []string{"replace the terminals", "replace the terminal"} {
		s := shell(t, `test -t 0 && echo hello > /dev/console; stat -c '%F %t' /dev/console; cat /dev/pts/0`)
		require.Equal(t, "hello\r\ncharacter special file 88\r\nsecret\r\n", showsOnTerminal(t, meddle(s, moment)), moment)
	}
}

// replaceTerminals lets every terminal have a name that is another file's.
func replaceTerminals() error {
	return errors.Join(
		os.Mkdir("/dev/elsewhere", 0o700),
		unix.Mount("/dev/pts", "/dev/elsewhere", "", unix.MS_BIND, ""),
		os.Remove("/dev/ptmx"),
		os.Symlink("elsewhere/ptmx", "/dev/ptmx"),
		replaceTerminal())
}

func replaceTerminal() error {
	return errors.Join(
		unix.Mount("tmpfs", "/dev/pts", "tmpfs", 0, ""),
		os.WriteFile("/dev/pts/0", []byte("secret\n"), 0o600))
}

// S10: a volume has its own idea of what /dev/console is.
func TestAConsoleIsNeverBoundOverAnotherFile(t *testing.T) {
	notrace.Check(t)
	for what, make := range map[string]func(console string) error{
		"a link":           func(console string) error { return os.Symlink("/etc/passwd", console) },
		"a link to /proc":  func(console string) error { return os.Symlink("/proc/self/oom_score_adj", console) },
		"a link to a link": func(console string) error { return os.Symlink("console", console) },
		"a file":           func(console string) error { return os.WriteFile(console, []byte("data"), 0o600) },
		"a directory":      func(console string) error { return os.Mkdir(console, 0o700) },
	} {
		t.Run(what, func(t *testing.T) {
			volume := t.TempDir()
			require.NoError(t, unix.Mknod(volume+"/null", unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))))
			require.NoError(t, os.Mkdir(volume+"/pts", 0o755))
			require.NoError(t, os.Symlink("pts/ptmx", volume+"/ptmx"))
			require.NoError(t, make(volume+"/console"))
			s := box(t, "true")
			s.Terminal = true
			s.Mounts = AddMounts(s.Mounts, []Mount{{Type: "bind", Source: volume, Destination: "/dev"}})
			require.ErrorContains(t, refused(t, s), "rootfs/console")
		})
	}
}

// S03: a setuid of ours may make the process dumpable again, by the host's
// fs.suid_dumpable. As weak as the container it mustn't be.
func TestNobodyMayAttachToAProcessThatHasGivenItsCapabilitiesAway(t *testing.T) {
	notrace.Check(t)
	for _, moment := range []string{"tell whether it can be traced", "be dumpable before capset"} {
		require.EqualError(t, refused(t, meddle(box(t, "true"), moment)), "rootfs/test: dumpable is 0")
	}
}

func becomeDumpable() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) }

func tellDumpable() error {
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return errors.Join(fmt.Errorf("dumpable is %d", dumpable), err)
}

// S11
func TestNothingIsMountedOverProc(t *testing.T) {
	notrace.Check(t)
	fake := t.TempDir()
	for _, destination := range []string{"/proc", "/proc/self", "/proc/sys", "/proc/../proc/sys/net", "/bin/../proc/1"} {
		s := box(t, "true")
		s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: fake, Destination: destination})
		require.ErrorIs(t, refused(t, s), unix.EPERM, destination)
	}
	for _, link := range []string{"/proc", "/proc/sys", "../../proc/self/attr"} { // the way there is a link
		s := box(t, "true")
		require.NoError(t, os.Symlink(link, s.Rootfs+"/link"))
		s.Mounts = append(s.Mounts, Mount{Type: "tmpfs", Destination: "/link"})
		require.ErrorIs(t, refused(t, s), unix.EPERM, link)
	}
	s := box(t, "true") // /proc itself is one
	require.NoError(t, os.Remove(s.Rootfs+"/proc"))
	require.NoError(t, os.Symlink("/tmp/fakeproc", s.Rootfs+"/proc"))
	s.Sysctl = map[string]string{"net.ipv4.ip_forward": "1"}
	require.ErrorContains(t, refused(t, s), "rootfs/proc")
	requireEmpty(t, fake)
}

// S18
func TestKernelSettingsCanNotBeWritten(t *testing.T) {
	notrace.Check(t)
	pattern := readFile(t, "/proc/sys/kernel/core_pattern")
	s := shell(t, `for f in sys/kernel/core_pattern sys/vm/drop_caches sys/kernel/hostname sysrq-trigger irq/0/smp_affinity; do
		[ ! -e /proc/$f ] || { echo '|/tmp/x' > /proc/$f; } 2>&1 | grep -qE 'Read-only|Permission' || echo written: $f; done; ulimit -c`)
	require.Equal(t, "0", says(t, s))
	require.Equal(t, pattern, readFile(t, "/proc/sys/kernel/core_pattern"))
}

// S19
func TestWhatIsMaskedReadsAsEmptyAndStaysMasked(t *testing.T) {
	notrace.Check(t)
	var existing []string
	for _, path := range append(DefaultMaskedPaths(), "/proc/version") { // the last one isn't masked by default, and exists everywhere
		if _, err := os.Lstat(path); err == nil {
			existing = append(existing, path)
		}
	}
	require.Greater(t, len(existing), 3)
	s := shell(t, `for p in `+strings.Join(existing, " ")+`; do
		if [ -d $p ]; then [ -z "$(ls -A $p)" ] || echo full: $p; { touch $p/x; } 2>/dev/null && echo written: $p
		else [ -z "$(cat $p)" ] || echo readable: $p; fi
		umount $p 2>/dev/null && echo unmounted: $p; mount -o remount,rw $p 2>/dev/null && echo remounted: $p
		chmod 777 $p 2>/dev/null && echo changed: $p
		done; true`)
	s.MaskedPaths = append(s.MaskedPaths, "/proc/version", "/proc/does/not/exist")
	require.Empty(t, says(t, s))
}

func TestWhatIsReadOnlyStaysReadOnly(t *testing.T) {
	notrace.Check(t)
	s := shell(t, `for p in /proc/sys /proc/irq /proc/bus /sys /sys/fs/cgroup; do
		[ -r $p ] || echo unreadable: $p; umount $p 2>/dev/null && echo unmounted: $p
		mount -o remount,bind,rw $p 2>/dev/null && echo remounted: $p; grep -q " $p .* ro[, ]\| $p [a-z]* ro," /proc/mounts || echo writable: $p; done; true`)
	require.Empty(t, says(t, s))
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}
