package rootfs

import (
	"testing"

	namespaces "cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
)

func valid() *Spec {
	s := Defaults()
	s.ID, s.Args, s.Rootfs = namespaces.NewID(), []string{"true"}, "/srv/root"
	return &s
}

func TestASpecThatCanNotBecomeAContainerIsRefused(t *testing.T) {
	require.NoError(t, valid().Validate())
	low := -1001
	for reason, change := range map[string]func(*Spec){
		"no command given":                      func(s *Spec) { s.Args = nil },
		"give the absolute path of a directory": func(s *Spec) { s.Rootfs = "root" },
		"the host's own root":                   func(s *Spec) { s.Rootfs = "/srv/.." },
		"needs a new mount namespace":           func(s *Spec) { s.Namespaces = namespaces.New(namespaces.PID) },
		"named volumes come with the engine":    func(s *Spec) { s.Mounts = []Mount{{Type: "volume", Source: "v", Destination: "/v"}} },
		"/proc can't be mounted over":           func(s *Spec) { s.Mounts = append(s.Mounts, Mount{Type: "tmpfs", Destination: "/proc/sys"}) },
		"unknown capability":                    func(s *Spec) { s.Capabilities = []string{"CHOWN"} },
		"must be from -1000 to 1000":            func(s *Spec) { s.OOMScoreAdj = &low },
		"bad user":                              func(s *Spec) { s.User = ":" },
		"must be an absolute path":              func(s *Spec) { s.Cwd = "tmp" },
		"use c or b":                            func(s *Spec) { s.Devices = []Device{{Path: "/dev/x", Type: "p"}} },
		"unknown resource limit":                func(s *Spec) { s.Rlimits = []Rlimit{{Type: "nofile"}} },
		"above the hard limit":                  func(s *Spec) { s.Rlimits = []Rlimit{{"RLIMIT_NOFILE", 2, 1}} },
		"given twice":                           func(s *Spec) { s.Rlimits = []Rlimit{{"RLIMIT_CORE", 0, 0}, {"RLIMIT_CORE", 1, 1}} },
	} {
		s := valid()
		change(s)
		require.ErrorContains(t, s.Validate(), reason)
	}
}

func TestLXCFSMayCoverAFewFilesOfProc(t *testing.T) {
	s := valid()
	s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: "/var/lib/lxcfs/proc/meminfo", Destination: "/proc/meminfo"})
	require.NoError(t, s.Validate())
}

// S17
func TestOnlyTheContainersOwnKernelParametersCanBeSet(t *testing.T) {
	for key, reason := range map[string]string{
		"net.ipv4.ip_forward":            "",
		"net/ipv4/conf/eth0.1/rp_filter": "",
		"net.ipv4.conf.eth0/1.rp_filter": "",
		"kernel.shmmax":                  "",
		"kernel.sem":                     "",
		"fs.mqueue.msg_max":              "",
		"kernel.domainname":              "",
		"kernel.core_pattern":            "belongs to the whole machine",
		"kernel.hostname":                "belongs to the whole machine",
		"kernel.semx":                    "belongs to the whole machine",
		"vm.swappiness":                  "belongs to the whole machine",
		"network.x":                      "belongs to the whole machine",
		"fs.mqueue":                      "belongs to the whole machine",
		"net":                            "belongs to the whole machine",
		"net/../kernel/core_pattern":     "not the name of a kernel parameter",
		"net.ipv4.conf.all/../../../kernel/domain": "not the name of a kernel parameter",
		"net..ipv4":             "not the name of a kernel parameter",
		"/net/ipv4/ip_forward":  "not the name of a kernel parameter",
		"":                      "not the name of a kernel parameter",
		"net.ipv4.ip_forward\n": "not the name of a kernel parameter",
	} {
		s := valid()
		s.Sysctl = map[string]string{key: "1"}
		if err := s.Validate(); reason == "" {
			require.NoError(t, err, key)
		} else {
			require.ErrorContains(t, err, reason, "%q", key)
		}
	}
	s := valid()
	s.Namespaces = namespaces.New(namespaces.Mount, namespaces.PID)
	for _, key := range []string{"net.ipv4.ip_forward", "kernel.sem", "fs.mqueue.msg_max"} {
		s.Sysctl = map[string]string{key: "1"}
		require.ErrorContains(t, s.Validate(), "namespace of its own", key)
	}
	require.Empty(t, (&Spec{}).sysctls(), "the host's network is left alone")
}

func TestContradictingMountOptionsAreSettledByTheLast(t *testing.T) {
	got, err := parseOptions([]string{"ro", "nosuid", "noatime", "rw", "strictatime", "size=1m", "newinstance"})
	require.NoError(t, err)
	want, err := parseOptions([]string{"nosuid", "strictatime"})
	require.NoError(t, err)
	require.Equal(t, want.attributes, got.attributes)
	require.Equal(t, []string{"size=1m", "newinstance"}, got.data)
}
