package engine_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// mounted is one line of /proc/PID/mountinfo.
type mounted struct {
	point, fstype string
	options       []string // of the mount and of its file system
	shared        bool
}

// mounts are the container's, by mount point; of several at one point the last,
// which is the one that can be seen.
func (s *subject) mounts() map[string]mounted {
	all := map[string]mounted{}
	for line := range strings.Lines(s.proc("mountinfo")) {
		before, after, _ := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		m := mounted{point: left[4], fstype: right[0]}
		m.options = strings.Split(left[5]+","+right[2], ",")
		m.shared = strings.Contains(before, " shared:")
		// "ro" may be said of the file system and not of the mount.
		all[m.point] = m
	}
	return all
}

// readonly is what the mount itself says.
func (m mounted) readonly() bool { return m.options[0] == "ro" }

func rootOf(s *subject) {
	s.is("root", "/", s.link("root"))
	mounts := s.mounts()
	s.is("ReadonlyRootfs", s.in.HostConfig.ReadonlyRootfs, mounts["/"].readonly())
	for _, m := range mounts {
		require.False(s, m.shared, "%s is private", m.point)
	}
	for what, path := range map[string]string{"hosts": s.in.HostsPath, "hostname": s.in.HostnamePath, "resolv.conf": s.in.ResolvConfPath} {
		if s.in.HostConfig.NetworkMode == "none" && what == "resolv.conf" {
			continue
		}
		ours, err := os.ReadFile(path)
		require.NoError(s, err)
		require.Equal(s, string(ours), s.proc("root/etc/"+what))
	}
}

func volumes(s *subject) {
	mounts := s.mounts()
	for _, told := range s.in.Mounts {
		m, there := mounts[told.Destination]
		require.True(s, there, told.Destination)
		s.is("Mounts RW "+told.Destination, told.RW, !m.readonly())
		if told.Type == "tmpfs" {
			s.is("Mounts Type", told.Type, m.fstype)
			continue
		}
		var outside, inside unix.Stat_t
		require.NoError(s, unix.Stat(told.Source, &outside))
		require.NoError(s, unix.Stat(fmt.Sprintf("/proc/%d/root%s", s.pid, told.Destination), &inside))
		s.is("Mounts Source "+told.Source, outside.Ino, inside.Ino)
	}
}

func tmpfses(s *subject) {
	mounts := s.mounts()
	for destination := range s.in.HostConfig.Tmpfs {
		m := mounts[destination]
		s.is("Tmpfs "+destination, "tmpfs", m.fstype)
		require.Subset(s, m.options, []string{"size=1024k", "mode=700", "nosuid", "nodev", "noexec"})
	}
	m, there := mounts["/dev/shm"]
	s.is("IpcMode", s.in.HostConfig.IpcMode == "none", !there)
	if size := s.in.HostConfig.ShmSize; size > 0 {
		require.Contains(s, m.options, "size="+strconv.FormatInt(size>>10, 10)+"k", "ShmSize")
	}
}

// masks compares the paths of /proc and /sys that are hidden or read-only:
// those that are told are, and no others.
func masks(s *subject) {
	mounts := s.mounts()
	told := slices.Concat(s.in.HostConfig.MaskedPaths, s.in.HostConfig.ReadonlyPaths)
	for _, path := range told {
		m, there := mounts[path]
		if !exists(fmt.Sprintf("/proc/%d/root%s", s.pid, path)) {
			continue
		}
		require.True(s, there, "%s is neither masked nor read-only", path)
		require.True(s, m.readonly() || m.fstype == "devtmpfs" || m.fstype == "tmpfs", "%s: %v", path, m)
	}
	for point := range mounts {
		if strings.HasPrefix(point, "/proc/") || strings.HasPrefix(point, "/sys/") && !strings.HasPrefix(point, "/sys/fs/cgroup") {
			require.Contains(s, told, point)
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// deviceNodes compares the nodes in /dev: those of every container, those that
// are told, and no others.
func deviceNodes(s *subject) {
	dev := fmt.Sprintf("/proc/%d/root/dev", s.pid)
	told := []string{"/dev/full", "/dev/null", "/dev/random", "/dev/tty", "/dev/urandom", "/dev/zero"}
	for _, d := range s.in.HostConfig.Devices {
		told = append(told, d.PathInContainer)
		var outside, inside unix.Stat_t
		require.NoError(s, unix.Stat(d.PathOnHost, &outside))
		require.NoError(s, unix.Stat(dev+strings.TrimPrefix(d.PathInContainer, "/dev"), &inside))
		s.is("Devices", outside.Rdev, inside.Rdev)
	}
	if s.in.HostConfig.Privileged {
		return
	}
	var found []string
	require.NoError(s, filepath.WalkDir(dev, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && (entry.Name() == "pts" || entry.Name() == "shm") {
			return fs.SkipDir
		}
		if entry.Type()&fs.ModeDevice != 0 {
			found = append(found, "/dev"+strings.TrimPrefix(path, dev))
		}
		return nil
	}))
	slices.Sort(told)
	slices.Sort(found)
	s.is("device nodes", told, found)
}
