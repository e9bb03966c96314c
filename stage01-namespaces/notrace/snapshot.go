package notrace

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mounts lists the host's mount table by mount point, type and options; the
// ids and the device numbers change by themselves.
func mounts(t testing.TB) (lines []string) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		// 36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw
		if fields := strings.Fields(line); len(fields) > 6 {
			lines = append(lines, "mount "+strings.Join(fields[3:], " "))
		}
	}
	return lines
}

// links lists the network interfaces of the host's network namespace.
func links(t testing.TB) (lines []string) {
	entries, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		lines = append(lines, "link "+entry.Name())
	}
	return lines
}

// rules lists the packet filter's rules without their counters.
func rules(t testing.TB) (lines []string) {
	if !installed("nft") {
		return nil
	}
	text, err := exec.Command("nft", "-s", "list", "ruleset").Output()
	if err != nil {
		t.Fatal("list the nftables rules:", err)
	}
	for line := range strings.Lines(string(text)) {
		lines = append(lines, "rule "+strings.TrimSpace(line))
	}
	return lines
}

// cgroups lists the cgroups with our name, in every hierarchy.
func cgroups() (lines []string) {
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.Contains(path, "cooper") {
			lines = append(lines, "cgroup "+path)
		}
		return nil
	})
	return lines
}

// removeEmptyGroups removes the groups that hold containers, where no container
// is in them any more. Who was killed left them, a test run or an engine, and
// the first container that ends would take them along: no trace of its test.
func removeEmptyGroups() {
	for _, line := range cgroups() {
		if path := strings.TrimPrefix(line, "cgroup "); filepath.Base(path) == "cooper" {
			_ = unix.Rmdir(path) // refuses where a container lives
		}
	}
}

// files lists what stands in the engine's own places on this machine.
func files() (lines []string) {
	for _, dir := range []string{"/run/cooper", "/var/lib/cooper"} {
		_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				lines = append(lines, "file "+path)
			}
			return nil
		})
	}
	return lines
}

// descriptors lists this process's open files, pipes and pidfds. Sockets and
// the runtime's own poller are left out: libraries keep those on purpose.
func descriptors(t testing.TB) (lines []string) {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err != nil || strings.HasPrefix(target, "socket:") || strings.Contains(target, "eventpoll") ||
			strings.Contains(target, "eventfd") || strings.HasPrefix(target, "/proc/") {
			continue
		}
		if kind, _, isKernelObject := strings.Cut(target, ":["); isKernelObject {
			target = kind
		}
		lines = append(lines, "descriptor "+target)
	}
	return lines
}
