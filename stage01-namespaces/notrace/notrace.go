// Package notrace proves that a test of the kernel leaves nothing behind:
// no mount, link, rule, cgroup, process, descriptor or file.
//
// Think of it as: the test came, and there is no trace of it.
package notrace

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// SkipReason begins the message with which a kernel test is skipped; CI looks
// for it, since a skipped kernel test is a test that didn't happen.
const SkipReason = "kernel test needs "

// one lets one kernel test of this process run at a time; the lock file does
// the same among processes, because there is but one kernel to look at.
var one sync.Mutex

// Check takes a snapshot of the machine now and compares it when the test
// ends, after the test's own clean-ups. Call it first. It skips the test when
// not root, and makes kernel tests wait for one another.
func Check(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip(SkipReason + "root")
	}
	lock(t)
	// Orphans of a container come to us instead of to init: we see them.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal("become a subreaper:", err)
	}
	reap()
	removeEmptyGroups()
	before := snapshot(t)
	t.Cleanup(func() {
		processes(t)
		after := snapshot(t)
		for _, line := range difference(before, after) {
			t.Error("left a trace:", line)
		}
	})
}

// NeedTool skips the test when a program that it looks through is missing.
func NeedTool(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if !installed(name) {
			t.Skip(SkipReason + "the program " + name)
		}
	}
}

func installed(program string) bool {
	for _, dir := range filepath.SplitList(os.Getenv("PATH") + ":/usr/sbin:/sbin") {
		if unix.Access(filepath.Join(dir, program), unix.X_OK) == nil {
			return true
		}
	}
	return false
}

// lock holds the machine for this test.
func lock(t testing.TB) {
	one.Lock()
	file, err := os.OpenFile(filepath.Join(os.TempDir(), "cooper-kernel-tests.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		one.Unlock()
		t.Fatal("lock the machine for kernel tests:", err)
	}
	t.Cleanup(func() {
		file.Close()
		one.Unlock()
	})
}

// snapshot lists what a container could leave behind, one line each.
func snapshot(t testing.TB) []string {
	return slices.Concat(mounts(t), links(t), rules(t), cgroups(), files(), descriptors(t))
}

// processes reports whatever still descends from this process. What is about
// to end is given two seconds, waited for by pidfd.
func processes(t testing.TB) {
	deadline := time.Now().Add(2 * time.Second)
	for _, pid := range children() {
		if !awaitExit(pid, time.Until(deadline)) {
			comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
			t.Errorf("left a trace: process %d (%s)", pid, strings.TrimSpace(string(comm)))
			_ = unix.Kill(pid, unix.SIGKILL)
			awaitExit(pid, time.Second)
		}
	}
	reap()
}

func awaitExit(pid int, patience time.Duration) bool {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return true
	}
	defer unix.Close(pidfd)
	return Ends(pidfd, patience)
}

// Ends tells whether the process behind a pidfd ends in this time, and waits no
// longer than it must.
func Ends(pidfd int, patience time.Duration) bool {
	deadline := time.Now().Add(patience)
	for {
		left := max(time.Until(deadline), 0)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(left.Milliseconds()))
		if err != unix.EINTR { // by which Go's scheduler interrupts a call now and then
			return n > 0
		}
	}
}

// reap collects orphans that ended; init would have done so.
func reap() {
	for {
		if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 || err != nil {
			return
		}
	}
}

// children lists the pids whose parent is this process.
func children() (pids []int) {
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			var pid int
			if _, err := fmt.Sscan(field, &pid); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// difference lists what one snapshot has more often than the other.
func difference(before, after []string) (lines []string) {
	count := map[string]int{}
	for _, line := range after {
		count[line]++
	}
	for _, line := range before {
		count[line]--
	}
	for line, n := range count {
		if n > 0 {
			lines = append(lines, "+ "+line)
		} else if n < 0 {
			lines = append(lines, "- "+line)
		}
	}
	slices.Sort(lines)
	return lines
}
