package network

import (
	"testing"

	"github.com/stretchr/testify/require"

	namespaces "cooper/stage01-namespaces"
)

func names(steps []namespaces.Step) (list []string) {
	for _, step := range steps {
		list = append(list, step.Name)
	}
	return list
}

func TestTheStepsOutsideComeInOrder(t *testing.T) {
	for _, c := range []struct {
		mode Mode
		want []string
	}{
		{Plugged, []string{"network/lease", "network/bridge", "network/nat", "network/admit", "network/disable_ipv6",
			"network/veth", "network/address", "network/publish", "network/write_files"}},
		{None, []string{"network/write_files"}},
		{Host, []string{"network/write_files"}},
		{Pasta, []string{"network/pasta", "network/write_files"}},
		{Slirp4netns, []string{"network/slirp4netns", "network/add_hostfwd", "network/write_files"}},
		{"container:abc", []string{"network/write_files"}},
	} {
		s := valid()
		s.ImageID, s.Network.Mode = "sha256:0", c.mode
		s.Network.Ports = []Port{{HostPort: 8080, ContainerPort: 80, Protocol: TCP}}
		want := []string{"images/unpack", "cgroups/create", "cgroups/limit", "cgroups/devices", "cgroups/clone_into_cgroup", "namespaces/clone", "cgroups/enter"}
		want = append(append(want, c.want...), "namespaces/send_spec")
		require.Equal(t, want, names(Outside(s, &namespaces.Process{}, nil)), "%s", c.mode)
		s.Limits.Pids = 1
		require.Equal(t, append(want, "cgroups/lower_pids"), names(Outside(s, &namespaces.Process{}, nil)), "%s", c.mode)
	}
}

func TestInsideTheNetworkIsReady(t *testing.T) {
	s := valid()
	s.Lower, s.Upper, s.Work = []string{"/l"}, "/u", "/w"
	require.Equal(t, []string{"namespaces/private_mounts", "namespaces/unshare_cgroup", "namespaces/loopback", "namespaces/session_keyring", "unionfs/overlay"},
		names(Inside(s))[:5])
}

func TestAProcessThatJoinsFindsTheNetworkConnected(t *testing.T) {
	s := valid()
	s.Target = 1
	require.NotContains(t, names(Outside(s, &namespaces.Process{}, nil)), "network/lease")
}
