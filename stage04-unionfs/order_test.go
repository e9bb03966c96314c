package unionfs

import (
	"testing"

	namespaces "cooper/stage01-namespaces"
	rootfs "cooper/stage03-rootfs"

	"github.com/stretchr/testify/require"
)

func TestTheOrderOfTheSteps(t *testing.T) {
	stack := func(s *Spec) {
		s.Namespaces = namespaces.New(namespaces.Mount, namespaces.PID)
		s.Rootfs, s.Lower, s.Upper, s.Work = "/r", []string{"/a", "/b"}, "/u", "/w"
		s.Mounts = []rootfs.Mount{{Type: "proc", Destination: "/proc"}}
	}
	for _, c := range []struct {
		name            string
		change          func(*Spec)
		outside, inside []string
	}{
		{
			name:   "a container on a stack",
			change: stack,
			outside: []string{"cgroups/create", "cgroups/limit", "cgroups/clone_into_cgroup", "namespaces/clone",
				"cgroups/enter", "namespaces/send_spec"},
			inside: []string{"namespaces/private_mounts", "namespaces/session_keyring", "unionfs/overlay", "rootfs/umask", "rootfs/bind_root", "rootfs/proc",
				"rootfs/pivot_root", "rootfs/chdir", "rootfs/capbset_drop", "rootfs/setresuid", "rootfs/capset",
				"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction", "namespaces/exec"},
		},
		{
			name:   "without layers it is stage 3",
			change: func(s *Spec) { stack(s); s.Lower, s.Upper, s.Work = nil, "", "" },
			outside: []string{"cgroups/create", "cgroups/limit", "cgroups/clone_into_cgroup", "namespaces/clone",
				"cgroups/enter", "namespaces/send_spec"},
			inside: []string{"namespaces/private_mounts", "namespaces/session_keyring", "rootfs/umask", "rootfs/bind_root", "rootfs/proc",
				"rootfs/pivot_root", "rootfs/chdir", "rootfs/capbset_drop", "rootfs/setresuid", "rootfs/capset",
				"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction", "namespaces/exec"},
		},
		{
			name:    "a command that joins a container mounts nothing",
			change:  func(s *Spec) { stack(s); s.Target = 1234 },
			outside: []string{"cgroups/clone_into_cgroup", "namespaces/clone", "cgroups/enter", "namespaces/send_spec"},
			inside: []string{"namespaces/session_keyring", "rootfs/umask", "rootfs/chdir", "rootfs/capbset_drop", "rootfs/setresuid", "rootfs/capset",
				"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction", "namespaces/exec"},
		},
		{
			name:   "with a small pids limit",
			change: func(s *Spec) { stack(s); s.Lower, s.Upper, s.Work = nil, "", ""; s.Limits.Pids = 1 },
			outside: []string{"cgroups/create", "cgroups/limit", "cgroups/clone_into_cgroup", "namespaces/clone",
				"cgroups/enter", "namespaces/send_spec", "cgroups/lower_pids"},
			inside: []string{"namespaces/private_mounts", "namespaces/session_keyring", "rootfs/umask", "rootfs/bind_root", "rootfs/proc",
				"rootfs/pivot_root", "rootfs/chdir", "rootfs/capbset_drop", "rootfs/setresuid", "rootfs/capset",
				"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction", "namespaces/exec"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &Spec{}
			c.change(s)
			require.Equal(t, c.outside, stepNames(Outside(s, &namespaces.Process{})))
			require.Equal(t, c.inside, stepNames(Inside(s)))
		})
	}
}

func stepNames(steps []namespaces.Step) []string {
	var list []string
	for _, step := range steps {
		list = append(list, step.Name)
	}
	return list
}
