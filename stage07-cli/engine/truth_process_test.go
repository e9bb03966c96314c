package engine_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"cooper/stage03-rootfs"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// proc reads a file of the container's first process.
func (s *subject) proc(name string) string {
	s.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.pid, name))
	require.NoError(s, err)
	return string(text)
}

// link reads a link there.
func (s *subject) link(name string) string {
	s.Helper()
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", s.pid, name))
	require.NoError(s, err)
	return target
}

// status is one line of /proc/PID/status.
func (s *subject) status(key string) string {
	s.Helper()
	for line := range strings.Lines(s.proc("status")) {
		if value, found := strings.CutPrefix(line, key+":"); found {
			return strings.Join(strings.Fields(value), " ")
		}
	}
	s.Fatalf("no %s in /proc/%d/status", key, s.pid)
	return ""
}

// is compares one value that inspect reports, by its name there.
func (s *subject) is(name string, reported, kernels any) {
	s.Helper()
	require.EqualValues(s, kernels, reported, "inspect says that %s is %v, the kernel %v", name, reported, kernels)
}

func life(s *subject) {
	s.is("State.Running", s.in.State.Running, unix.Kill(s.pid, 0) == nil)
	s.is("State.ShimPid", strconv.Itoa(s.in.State.ShimPid), lineOf(s, fmt.Sprintf("/proc/%d/status", s.in.State.Pid), "PPid:"))
	started, err := time.Parse(time.RFC3339Nano, s.in.State.StartedAt)
	require.NoError(s, err)
	now := time.Now()
	var uptime unix.Timespec
	require.NoError(s, unix.ClockGettime(unix.CLOCK_BOOTTIME, &uptime))
	stat := s.proc("stat")
	ticks, err := strconv.ParseInt(strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])[19], 10, 64)
	require.NoError(s, err)
	born := now.Add(-time.Duration(uptime.Nano())).Add(time.Duration(ticks) * time.Second / 100)
	require.WithinRange(s, started, born.Add(-20*time.Millisecond), now, "State.StartedAt is between the first process's birth, in ticks of 10 ms, and now")
}

func command(s *subject) {
	environment := strings.Split(strings.TrimSuffix(s.proc("environ"), "\x00"), "\x00")
	environment = slices.DeleteFunc(environment, func(pair string) bool { return strings.HasPrefix(pair, "HOME=") })
	s.is("Path and Args", strings.Join(append([]string{s.in.Path}, s.in.Args...), "\x00")+"\x00", s.proc("cmdline"))
	s.is("Config.Env", s.in.Config.Env, environment)
	s.is("HostConfig.Init", s.in.HostConfig.Init != nil, s.pid != s.in.State.Pid)
	s.is("Config.WorkingDir", "/"+strings.TrimPrefix(s.in.Config.WorkingDir, "/"), s.link("cwd"))
	s.is("umask", "0022", s.status("Umask"))
}

func identity(s *subject) {
	uid, gid, _ := strings.Cut(s.in.Config.User, ":")
	for _, id := range []*string{&uid, &gid} {
		if *id == "" || *id == "root" {
			*id = "0"
		}
	}
	s.is("Config.User", strings.Repeat(" "+uid, 4)[1:], s.status("Uid"))
	s.is("Config.User", strings.Repeat(" "+gid, 4)[1:], s.status("Gid"))
	if s.in.Config.User == "root" || s.in.Config.User == "" {
		return // the groups of root are the image's business
	}
	groups := append([]string{gid}, s.in.HostConfig.GroupAdd...)
	slices.SortFunc(groups, func(a, b string) int { x, _ := strconv.Atoi(a); y, _ := strconv.Atoi(b); return x - y })
	s.is("HostConfig.GroupAdd", strings.Join(slices.Compact(groups), " "), s.status("Groups"))
}

// capabilityBits are the names' numbers, once more and apart from the engine's
// own table; see linux/capability.h.
func capabilityBits(s *subject, names []string) (set uint64) {
	numbers := map[string]int{"CHOWN": unix.CAP_CHOWN, "DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "FOWNER": unix.CAP_FOWNER,
		"FSETID": unix.CAP_FSETID, "KILL": unix.CAP_KILL, "NET_BIND_SERVICE": unix.CAP_NET_BIND_SERVICE, "SETFCAP": unix.CAP_SETFCAP,
		"SETGID": unix.CAP_SETGID, "SETPCAP": unix.CAP_SETPCAP, "SETUID": unix.CAP_SETUID, "SYS_CHROOT": unix.CAP_SYS_CHROOT,
		"NET_ADMIN": unix.CAP_NET_ADMIN, "SYS_TIME": unix.CAP_SYS_TIME, "MKNOD": unix.CAP_MKNOD}
	for _, name := range names {
		number, known := numbers[strings.TrimPrefix(strings.ToUpper(name), "CAP_")]
		require.True(s, known, name)
		set |= 1 << number
	}
	return set
}

func capabilities(s *subject) {
	h := s.in.HostConfig
	held, err := strconv.ParseUint(lineOf(s, "/proc/self/status", "CapPrm:"), 16, 64)
	require.NoError(s, err)
	set := capabilityBits(s, rootfs.DefaultCapabilities())
	all := []string{"ALL"}
	if h.Privileged {
		set = held
	}
	added, dropped := h.CapAdd, h.CapDrop
	switch {
	case h.Privileged: // which leaves no wish open
		added, dropped = nil, nil
	case slices.Equal(added, all):
		set, added = held, nil
	case slices.Equal(dropped, all):
		set = 0
	}
	if slices.Equal(dropped, all) {
		dropped = nil
	}
	set = set&^capabilityBits(s, dropped) | capabilityBits(s, added)
	bounding := fmt.Sprintf("%016x", set&held)
	s.is("HostConfig.Cap…", bounding, s.status("CapBnd"))
	effective := bounding
	if !strings.HasPrefix(s.status("Uid"), "0 ") {
		effective = fmt.Sprintf("%016x", 0)
	}
	s.is("effective capabilities", effective, s.status("CapEff"))
	s.is("permitted capabilities", effective, s.status("CapPrm"))
	for _, empty := range []string{"CapInh", "CapAmb"} {
		s.is(empty, "0000000000000000", s.status(empty))
	}
}

// lineOf is the rest of a line of a file, by how it begins.
func lineOf(s *subject, path, begin string) string {
	text, err := os.ReadFile(path)
	require.NoError(s, err)
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, begin); found {
			return strings.TrimSpace(value)
		}
	}
	s.Fatalf("no %s in %s", begin, path)
	return ""
}

func privileges(s *subject) {
	nnp := "0"
	if slices.Contains(s.in.HostConfig.SecurityOpt, "no-new-privileges") {
		nnp = "1"
	}
	s.is("SecurityOpt no-new-privileges", nnp, s.status("NoNewPrivs"))
	filter := "2" // SECCOMP_MODE_FILTER; see proc_pid_status(5)
	unconfined := s.in.HostConfig.Privileged && !slices.Contains(s.in.HostConfig.SecurityOpt, "seccomp=builtin")
	if unconfined || slices.Contains(s.in.HostConfig.SecurityOpt, "seccomp=unconfined") {
		filter = "0"
	}
	s.is("SecurityOpt seccomp", filter, s.status("Seccomp"))
}

// labels compares those of the security modules that this kernel has; without
// them nobody has a label.
func labels(s *subject) {
	s.is("AppArmorProfile", s.in.AppArmorProfile, s.label("/sys/kernel/security/apparmor", "attr/apparmor/current"))
	s.is("ProcessLabel", s.in.ProcessLabel, s.label("/sys/fs/selinux/enforce", "attr/current"))
	root := make([]byte, 256)
	n, err := unix.Getxattr(fmt.Sprintf("/proc/%d/root/dev", s.pid), "security.selinux", root)
	if err != nil || s.in.ProcessLabel == "" {
		n = 0 // the policy's, if at all
	}
	s.is("MountLabel", s.in.MountLabel, strings.TrimRight(string(root[:max(n, 0)]), "\x00"))
}

func (s *subject) label(module, file string) string {
	if !exists(module) {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimSpace(s.proc(file)), " ") // behind it is the mode, "(enforce)"
	if name == "unconfined" || strings.Contains(name, ":unconfined_t:") {
		return ""
	}
	return strings.TrimRight(name, "\x00")
}

func rlimits(s *subject) {
	titles := map[string]string{"nofile": "Max open files", "core": "Max core file size"}
	for _, limit := range s.in.HostConfig.Ulimits {
		line := lineOf(s, fmt.Sprintf("/proc/%d/limits", s.pid), titles[limit.Name])
		s.is("Ulimits "+limit.Name, []string{strconv.FormatInt(limit.Soft, 10), strconv.FormatInt(limit.Hard, 10)}, strings.Fields(line)[:2])
	}
}

func score(s *subject) {
	s.is("HostConfig.OomScoreAdj", strconv.Itoa(s.in.HostConfig.OomScoreAdj), strings.TrimSpace(s.proc("oom_score_adj")))
}

func terminal(s *subject) {
	isTerminal := strings.HasPrefix(s.link("fd/0"), "/dev/pts/")
	s.is("Config.Tty", s.in.Config.Tty, isTerminal)
	if !isTerminal {
		s.is("Config.OpenStdin", s.in.Config.OpenStdin, strings.HasPrefix(s.link("fd/0"), "pipe:"))
	}
}

// namespacesOf compares which namespaces are the container's own.
func namespacesOf(s *subject) {
	h := s.in.HostConfig
	for kind, own := range map[string]bool{
		"mnt": true, "user": false, "time": false,
		"net": h.NetworkMode != "host", "ipc": h.IpcMode != "host", "pid": h.PidMode != "host",
		"uts": h.UTSMode != "host", "cgroup": h.CgroupnsMode != "host",
	} {
		ours, err := os.Readlink("/proc/self/ns/" + kind)
		require.NoError(s, err)
		s.is("namespace "+kind, own, s.link("ns/"+kind) != ours)
	}
}
