package firewall

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"cooper/stage01-namespaces/notrace"
)

const ipv4 = unix.NFPROTO_IPV4

// The real dockerd has other0 for its bridge, and what is behind for one of its
// containers.
func TestContainersHaveTheirNetworkBesideDocker(t *testing.T) {
	for _, iptables := range []string{"iptables-nft", "iptables-legacy"} {
		t.Run(iptables, func(t *testing.T) {
			newHost(t, iptables)
			notrace.NeedTool(t, "dockerd", "containerd")
			startDocker := newDocker(t, iptables)

			t.Log("ours come first, and have nothing to ask for")
			require.NoError(t, Admit(ourLinks))
			require.NotContains(t, run(t, iptables+" -S"), "cooper")
			dockerd := startDocker()
			before := save(t, iptables)
			require.Contains(t, before, ":FORWARD DROP", "Docker does so where it is the first to forward")
			require.True(t, kept(t, "ours", "outside", ipv4))

			require.NoError(t, Admit(ourLinks))
			beside := func() {
				t.Helper()
				require.True(t, reaches(t, "ours", "outside", ipv4))
				require.True(t, reaches(t, "theirs", "outside", ipv4))
				require.True(t, kept(t, "outside", "theirs", ipv4))
				require.True(t, kept(t, "ours", "theirs", ipv4), "their containers are kept from ours")
			}
			beside()

			t.Log("Docker starts again, and puts its rules at the head")
			with := save(t, iptables)
			dockerd.stop(t)
			startDocker()
			require.Equal(t, with, save(t, iptables))
			require.NoError(t, Admit(ourLinks))
			require.Equal(t, with, save(t, iptables))
			beside()

			t.Log("what it publishes is for ours too, and its user's chain has its say")
			run(t, iptables+" -A DOCKER -d 172.30.0.2 ! -i other0 -o other0 -p tcp -j ACCEPT")
			require.True(t, reaches(t, "ours", "theirs", ipv4))
			run(t, iptables+" -I DOCKER-USER -i cooper0 -d 198.51.100.0/24 -j DROP")
			require.True(t, kept(t, "ours", "outside", ipv4))
			run(t, iptables+" -D DOCKER-USER -i cooper0 -d 198.51.100.0/24 -j DROP")
			run(t, iptables+" -D DOCKER -d 172.30.0.2 ! -i other0 -o other0 -p tcp -j ACCEPT")

			require.NoError(t, Withdraw(ourLinks))
			require.Equal(t, before, save(t, iptables))
		})
	}
}

// newDocker makes ready for a dockerd with a root of its own, that uses one of
// the two programs that are called iptables.
func newDocker(t testing.TB, iptables string) func() *program {
	bin := t.TempDir()
	for _, family := range []string{"iptables", "ip6tables"} {
		path := strings.TrimSpace(run(t, "which "+strings.Replace(iptables, "iptables", family, 1)))
		require.NoError(t, os.Symlink(path, filepath.Join(bin, family)))
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	require.NoError(t, sysctl("ipv4/ip_forward", "0"))
	private(t, "/etc/docker", false)
	data := t.TempDir()
	return func() *program {
		dockerd := start(t, "dockerd", "--bridge=other0", "--storage-driver=vfs", "--data-root="+data,
			"--exec-root=/run/docker", "--pidfile=/run/docker.pid", "--host=unix:///run/docker.sock")
		dockerd.says(t, "API listen")
		return dockerd
	}
}
