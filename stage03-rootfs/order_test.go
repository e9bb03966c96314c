package rootfs

import (
	"testing"

	namespaces "cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
)

func names(steps []namespaces.Step) []string {
	var list []string
	for _, step := range steps {
		list = append(list, step.Name)
	}
	return list
}

func TestTheStepsOutsideAreThoseOfStageTwoInOrder(t *testing.T) {
	s := Defaults()
	s.ID = namespaces.NewID()
	require.Equal(t, []string{
		"cgroups/create", "cgroups/limit", "cgroups/devices", "cgroups/clone_into_cgroup",
		"namespaces/clone",
		"cgroups/enter",
		"namespaces/send_spec",
	}, names(Outside(&s, &namespaces.Process{})))
	s.Limits.Pids = 1
	steps := names(Outside(&s, &namespaces.Process{}))
	require.Equal(t, "cgroups/lower_pids", steps[len(steps)-1])
}

func TestTheStepsInsideComeInOrder(t *testing.T) {
	score := 100
	for _, c := range []struct {
		what   string
		change func(*Spec)
		want   []string
	}{
		{"by default", func(*Spec) {}, []string{
			"namespaces/private_mounts", "namespaces/unshare_cgroup", "namespaces/loopback", "namespaces/session_keyring",
			"rootfs/umask", "rootfs/bind_root",
			"rootfs/proc", "rootfs/tmpfs", "rootfs/devices", "rootfs/devpts", "rootfs/sysfs", "rootfs/cgroup", "rootfs/mqueue", "rootfs/tmpfs",
			"rootfs/sysctl", "rootfs/mask", "rootfs/readonly_paths",
			"rootfs/pivot_root",
			"rootfs/chdir", "rootfs/capbset_drop", "rootfs/setresuid", "rootfs/capset",
			"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction", "rootfs/check_filter", "rootfs/seccomp", "namespaces/exec",
		}},
		{"with everything", func(s *Spec) {
			s.Hostname, s.Terminal, s.ReadonlyRootfs, s.Cwd, s.NoNewPrivileges, s.OOMScoreAdj = "web", true, true, "/srv", true, &score
			s.Mounts = append(s.Mounts, Mount{Type: "bind", Source: "/srv", Destination: "/srv"}, Mount{Type: "ext4", Destination: "/disk"})
			s.Rlimits = []Rlimit{{Type: "RLIMIT_NOFILE", Soft: 1, Hard: 2}}
			s.Mounts[len(s.Mounts)-2].Options, s.RootfsPropagation = []string{"rslave"}, "rshared"
			s.ApparmorProfile, s.SelinuxLabel = "docker-default", "system_u:system_r:container_t:s0"
		}, []string{
			"rootfs/open_tree",
			"namespaces/private_mounts", "namespaces/unshare_cgroup", "namespaces/set_hostname", "namespaces/loopback", "namespaces/session_keyring",
			"rootfs/umask", "rootfs/bind_root",
			"rootfs/proc", "rootfs/tmpfs", "rootfs/devices", "rootfs/devpts", "rootfs/sysfs", "rootfs/cgroup", "rootfs/mqueue", "rootfs/tmpfs",
			"rootfs/bind", "rootfs/filesystem",
			"rootfs/sysctl", "rootfs/mask", "rootfs/readonly_paths", "rootfs/mkdir_cwd", "rootfs/readonly_root",
			"rootfs/pivot_root", "rootfs/root_propagation",
			"namespaces/open_terminal", "rootfs/console",
			"rootfs/oom_score_adj", "rootfs/raise_rlimits", "rootfs/chdir", "rootfs/capbset_drop", "rootfs/setresuid", "rootfs/capset", "rootfs/apparmor", "rootfs/selinux", "rootfs/no_new_privs",
			"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction", "rootfs/check_filter", "rootfs/setrlimit", "rootfs/seccomp", "namespaces/exec",
		}},
		{"privileged", func(s *Spec) { s.Privileged, s.SeccompFilter = true, nil }, []string{
			"namespaces/private_mounts", "namespaces/unshare_cgroup", "namespaces/loopback", "namespaces/session_keyring",
			"rootfs/umask", "rootfs/bind_root",
			"rootfs/proc", "rootfs/tmpfs", "rootfs/devices", "rootfs/devpts", "rootfs/sysfs", "rootfs/cgroup", "rootfs/mqueue", "rootfs/tmpfs",
			"rootfs/sysctl",
			"rootfs/pivot_root",
			"rootfs/chdir", "rootfs/capbset_drop", "rootfs/setresuid", "rootfs/capset",
			"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction", "namespaces/exec",
		}},
		{"joining a container", func(s *Spec) { s.Target, s.Terminal, s.NoNewPrivileges = 1, true, true }, []string{
			"namespaces/session_keyring", "namespaces/open_terminal",
			"rootfs/umask", "rootfs/chdir", "rootfs/capbset_drop", "rootfs/setresuid", "rootfs/capset", "rootfs/no_new_privs",
			"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction", "rootfs/check_filter", "rootfs/seccomp", "namespaces/exec",
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			s := Defaults()
			c.change(&s)
			require.Equal(t, c.want, names(Inside(&s)))
		})
	}
}
