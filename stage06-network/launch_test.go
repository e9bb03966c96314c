package network

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	namespaces "cooper/stage01-namespaces"
	rootfs "cooper/stage03-rootfs"
	"cooper/stage03-rootfs/busyroot"
)

// real returns the Spec of a whole container on the world's bridge.
func (w *world) real(t *testing.T, script string, flags ...string) *Spec {
	s := w.bridged(t, flags...)
	id, n := s.ID, s.Network
	s.Spec.Spec.Spec = rootfs.Defaults()
	s.ID, s.Network = id, n
	s.Args = []string{"sh", "-c", script}
	s.Rootfs, s.Hostname = busyroot.New(t), "web"
	s.Network.FilesDir = filepath.Join(t.TempDir(), "files")
	Configure(s)
	require.NoError(t, s.Validate())
	return s
}

// output runs the container to its end.
func output(t *testing.T, s *Spec) string {
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer out.Close()
	p := &namespaces.Process{Stdout: out, Stderr: out}
	code, err := namespaces.Foreground(p, Outside(s, p, nil))
	require.NoError(t, err)
	text, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Zero(t, code, "%s", text)
	return string(text)
}

func TestAContainerKnowsItsNameItsAddressAndItsWayOut(t *testing.T) {
	w := newWorld(t)
	answer(t, w.outside, 7)
	s := w.real(t, `cat /etc/hostname; hostname -i; ip route | head -1
		echo hello | nc -w 1 `+outsideIP+` 7; echo
		for f in all default eth0; do echo $f $(cat /proc/sys/net/ipv6/conf/$f/accept_ra /proc/sys/net/ipv6/conf/$f/disable_ipv6); done
		ip -6 addr show dev eth0; cat /proc/sys/net/ipv4/conf/eth0/route_localnet`)
	host, err := ParseHost("outside:" + outsideIP)
	require.NoError(t, err)
	s.Network.Hosts = append(s.Network.Hosts, host)
	lines := strings.Split(strings.TrimSpace(output(t, s)), "\n")
	ip := s.Network.Address()
	require.Equal(t, []string{
		"web", ip.String(),
		"default via " + s.Network.hostSide().String() + " dev eth0 ",
		"hello", " from " + hostIP,
		"all 1 0", "default 0 1", "eth0 0 1",
		"0",
	}, lines)
	noNetworkLeft(t, s)
	require.NoFileExists(t, filepath.Join(s.Network.FilesDir, hostsFile))
}

func TestWithoutANetworkThereIsLoopbackAlone(t *testing.T) {
	w := newWorld(t)
	s := w.real(t, "ip -o link | wc -l; ip route | wc -l; ping -c 1 127.0.0.1 >/dev/null 2>&1 || true; cat /etc/hosts | grep web")
	s.Network.Mode, s.Network.Endpoints = None, nil
	Configure(s)
	require.Equal(t, "1\n0\n127.0.1.1\tweb\n", output(t, s))
	require.NotContains(t, links(t), s.Network.Networks.Table, "no bridge is made for it")
}

func TestOnTheHostsNetworkTheHostsLinksAreSeen(t *testing.T) {
	w := newWorld(t)
	s := w.real(t, "ip -o link | grep -c up0; cat /etc/hosts")
	s.Network.Mode, s.Network.Endpoints = Host, nil
	Configure(s)
	names, err := os.ReadFile(hostHosts)
	require.NoError(t, err)
	require.Equal(t, "1\n"+string(names), output(t, s), "and its names are known")
}

func TestAContainerCanShareAnothersNetwork(t *testing.T) {
	w := newWorld(t)
	owner := w.start(t, w.bridged(t, "8080:80"))
	s := w.real(t, "hostname -i; echo shared | nc -l -p 80 -w 5")
	s.Network = Network{Mode: Mode("container:" + owner.spec.ID), Joined: owner.pid}
	s.Mounts = rootfs.DefaultMounts()
	s.Args[2] = "ip -o -4 addr show dev eth0"
	Configure(s)
	require.NoError(t, s.Validate())
	require.Contains(t, output(t, s), owner.ip()+"/")
}

// A command that can't be started: everything outside was made by then.
func TestAContainerThatFailsInsideLeavesNothing(t *testing.T) {
	w := newWorld(t)
	s := w.real(t, "true", "8080:80")
	s.Args = []string{"/no/such/program"}
	p := &namespaces.Process{}
	err := namespaces.Launch(p, Outside(s, p, nil))
	require.Error(t, err)
	require.Equal(t, 127, namespaces.ExitCode(err))
	noNetworkLeft(t, s)
}
