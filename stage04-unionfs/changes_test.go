package unionfs

import (
	"archive/tar"
	"bytes"
	"os"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"
	"cooper/stage03-rootfs/busyroot"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What docker diff (20.10.24, overlay2) prints after the same commands in a
// container of the same files.
func TestChangesAreWhatDockerPrintsAfterTheSameCommands(t *testing.T) {
	notrace.Check(t)
	base := busyroot.New(t)
	app := applied(t, dir("etc/"), file("etc/motd", "base"), dir("opt/"), dir("opt/full/"), file("opt/full/a", "x"), file("opt/full/b", "y"),
		dir("opt/sub/"), file("opt/sub/z", "z"), dir("gone/"), file("gone/x", "g"), file("was-file", "f"), dir("was-dir/"), file("was-dir/x", "d"),
		file("hard", "h"), hardlink("hard2", "hard"), symlink("link", "etc/motd"), file("same", "s"), dir("tmp/").with(func(h *tar.Header) { h.Mode = 0o1777 }))
	for _, c := range []struct{ name, commands, want string }{
		{"a changed file", "echo changed >> /etc/motd", "C /etc, C /etc/motd"},
		{"a removed file", "rm /etc/motd", "C /etc, D /etc/motd"},
		{"a removed directory", "rm -r /gone", "D /gone"},
		{"a directory made anew", "rm -r /opt/full; mkdir /opt/full; echo new > /opt/full/c", "C /opt, C /opt/full, D /opt/full/a, D /opt/full/b, A /opt/full/c"},
		{"a file that became a directory", "rm /was-file; mkdir /was-file; echo x > /was-file/in", "C /was-file, A /was-file/in"},
		{"a directory that became a file", "rm -r /was-dir; echo f > /was-dir", "C /was-dir"},
		{"another mode", "chmod 600 /same", "C /same"},
		{"another owner", "chown 5:6 /same", "C /same"},
		{"another time", "touch /same", "C /same"},
		{"one of two names", "echo more >> /hard", "C /hard"},
		{"another link", "ln -sf /nowhere /link", "C /link"},
		{"new directories", "mkdir -p /new/deep; echo n > /new/deep/file", "A /new, A /new/deep, A /new/deep/file"},
		{"a new fifo", "mkfifo /pipe", "A /pipe"},
		{"a file that came and went", "echo tmp > /tmp/scratch; rm /tmp/scratch", ""},
		{"a directory's mode", "chmod 700 /opt/sub", "C /opt, C /opt/sub"},
		{"a renamed file", "mv /opt/sub/z /opt/sub/moved", "C /opt, C /opt/sub, A /opt/sub/moved, D /opt/sub/z"},
		{"a mode that it had", "chmod 644 /same", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stackOf(t, app, base)
			shell(t, s, c.commands)
			require.Equal(t, c.want, changesOf(t, s.Upper, s.Lower, "dev", "proc", "sys"))
		})
	}
}

func changesOf(t testing.TB, upper string, lower []string, mounts ...string) string {
	t.Helper()
	list, err := Changes(upper, lower, mounts...)
	require.NoError(t, err)
	var lines []string
	for _, change := range list {
		lines = append(lines, change.String())
	}
	return strings.Join(lines, ", ")
}

func TestAPlaceForAMountIsNoChange(t *testing.T) {
	needRoot(t)
	upper := applied(t, dir("dev/"), dir("etc/"), file("etc/hosts", ""), file("etc/hostname", "written by somebody"), dir("proc/"), file("proc/x", ""), file("other", ""))
	mounts := []string{"dev", "proc", "etc/hosts", "etc/hostname"}
	require.Equal(t, "A /etc, A /etc/hostname, A /other, A /proc, A /proc/x", changesOf(t, upper, nil, mounts...))
	var layer bytes.Buffer
	require.NoError(t, Diff(&layer, upper, mounts...))
	require.Equal(t, []string{"etc/", "etc/hostname", "other", "proc/", "proc/x"}, listed(t, &layer))
}

// A container of a large image with one small change: what is below isn't
// walked, or `diff` would take as long as the image is large.
func TestChangesReadOnlyWhatChanged(t *testing.T) {
	needRoot(t)
	bottom := t.TempDir()
	for _, name := range []string{"small", "large"} {
		require.NoError(t, os.Mkdir(bottom+"/"+name, 0o755))
	}
	require.NoError(t, os.WriteFile(bottom+"/small/f", nil, 0o600))
	upper := applied(t, dir("small/"), file("small/f", "x"))
	old := unix.Timespec{Sec: 1e9}
	for _, name := range []string{"/", "/small", "/large"} {
		require.NoError(t, unix.UtimesNanoAt(unix.AT_FDCWD, bottom+name, []unix.Timespec{old, old}, 0))
	}
	require.Equal(t, "C /small, C /small/f", changesOf(t, upper, []string{bottom}))
	require.NoError(t, Diff(discard{}, upper))
	for _, name := range []string{"/", "/small", "/large"} { // relatime: to list a directory is to access it
		require.EqualValues(t, 1e9, lstat(t, bottom+name).Atim.Sec, "%s was read", name)
	}
}
