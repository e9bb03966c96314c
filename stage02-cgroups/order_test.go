package cgroups

import (
	"testing"

	namespaces "cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
)

func TestTheStepsComeInOrder(t *testing.T) {
	s := &Spec{}
	s.ID, s.Namespaces = "1234", namespaces.New(namespaces.Mount, namespaces.PID, namespaces.Cgroup)
	s.DeviceRules = DefaultDeviceRules()
	joining := &Spec{}
	joining.ID, joining.Target, joining.Limits.Pids = "1234", 1, 3
	few := &Spec{}
	few.ID, few.Limits.Pids = "1234", 3
	asking := &Spec{CgroupDriver: Systemd}
	asking.ID = "1234"
	for _, c := range []struct {
		name  string
		steps []namespaces.Step
		want  []string
	}{
		{"outside", Outside(s, &namespaces.Process{}), []string{
			"cgroups/create", "cgroups/limit", "cgroups/devices", "cgroups/clone_into_cgroup", "namespaces/clone", "cgroups/enter", "namespaces/send_spec"}},
		{"inside", Inside(s), []string{"namespaces/private_mounts", "namespaces/unshare_cgroup", "namespaces/session_keyring", "namespaces/mount_proc",
			"namespaces/find_command", "namespaces/pdeathsig", "namespaces/close_range", "namespaces/sigaction", "namespaces/exec"}},
		{"outside, where systemd makes the group", Outside(asking, &namespaces.Process{}), []string{
			"cgroups/ask_systemd", "cgroups/create", "cgroups/limit", "cgroups/clone_into_cgroup", "namespaces/clone", "cgroups/enter", "namespaces/send_spec"}},
		{"outside, joining a container", Outside(joining, &namespaces.Process{}), []string{
			"cgroups/clone_into_cgroup", "namespaces/clone", "cgroups/enter", "namespaces/send_spec"}},
		{"outside, with few processes", Outside(few, &namespaces.Process{}), []string{
			"cgroups/create", "cgroups/limit", "cgroups/clone_into_cgroup", "namespaces/clone", "cgroups/enter", "namespaces/send_spec", "cgroups/lower_pids"}},
	} {
		var names []string
		for _, step := range c.steps {
			names = append(names, step.Name)
			require.NotEmpty(t, step.Why, step.Name)
		}
		require.Equal(t, c.want, names, c.name)
	}
}
