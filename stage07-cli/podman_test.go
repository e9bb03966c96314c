package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// A host that forwards nothing by itself, and has Podman on it. Each of the two
// engines has a server with a published port; the world reaches both, and they
// the world, whoever of them came first, was started again, or is gone.
const besidePodman = `
exec >out 2>&1 # no pipe, which Podman's supervisors would hold open
mount -t tmpfs none /run
ip link set lo up
ip netns add outside
ip link add uplink up type veth peer name eth0 netns outside
ip address add 198.51.100.1/24 dev uplink
ip -n outside link set lo up
ip -n outside link set eth0 up
ip -n outside address add 198.51.100.2/24 dev eth0
ip route add default via 198.51.100.2
mkdir world; echo world > world/index.html
ip netns exec outside busybox httpd -p 80 -h world

podman() { command podman --root "$PWD/podman" --runroot /run/podman --tmpdir /run/tmp --cgroup-manager cgroupfs --runtime runc "$@"; }
serve='mkdir /w; echo $0 > /w/index.html; exec httpd -f -h /w -p 80'
ours() { cooper run -d --name ours -p 8001:80 base sh -c "$serve" ours; }
theirs() { podman run -d --name theirs -p 8002:80 --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 base sh -c "$serve" theirs; }
get() { busybox timeout 5 busybox wget -q -O - "$@"; }
there() { ip netns exec outside busybox timeout 5 busybox wget -q -O - "$@"; }
come() { until get "http://127.0.0.1:$1" >/dev/null; do :; done; }
all() { # the ports of those that run
	for port in "$@"; do echo "in $(get http://127.0.0.1:$port) $(there http://198.51.100.1:$port)"; done
	case "$*" in *8001*) echo "out $(cooper exec ours timeout 5 wget -q -O - http://198.51.100.2/)";; esac
	case "$*" in *8002*) echo "out $(nsenter --net=/proc/$(podman inspect -f '{{.State.Pid}}' theirs)/ns/net busybox timeout 5 busybox wget -q -O - http://198.51.100.2/)";; esac
}
rules() { iptables-save | grep -v -e cooper -e '^#' | sed 's/\[.*\]//'; }

cooper save -o base.tar base
podman load -q -i base.tar >/dev/null
ours >/dev/null 2>&1; theirs >/dev/null 2>&1
come 8001; come 8002
echo both:; all 8001 8002
rules > with
cooper stop -t 0 ours >/dev/null; cooper start ours >/dev/null
come 8001
echo ours again:; all 8001 8002
rules | diff with - && echo their rules are as they were
podman restart -t 0 theirs >/dev/null 2>&1
come 8002
echo theirs again:; all 8001 8002
cooper rm -f ours >/dev/null; cooper system cleanup >/dev/null
echo without ours:; all 8002
iptables-save | grep cooper || echo without a rule of ours
ours >/dev/null 2>&1
come 8001
echo ours last:; all 8001 8002
podman rm -f -t 0 theirs >/dev/null
echo without theirs:; all 8001
cooper rm -f ours >/dev/null; cooper system cleanup >/dev/null
podman rmi -a -f >/dev/null
kill $(ip netns pids outside)
`

func TestContainersHaveTheirNetworkBesidePodman(t *testing.T) {
	for _, backend := range []string{"cni", "netavark"} {
		t.Run(backend, func(t *testing.T) {
			h := newHost(t)
			notrace.NeedTool(t, "podman", "runc", "ip", "iptables", "busybox", "unshare")
			dir := t.TempDir()
			t.Cleanup(func() { removeGroups(t, "/sys/fs/cgroup/*/libpod_parent", "/sys/fs/cgroup/libpod_parent") })
			conf := filepath.Join(dir, "containers.conf")
			require.NoError(t, os.WriteFile(conf, []byte("[network]\nnetwork_backend = \""+backend+"\"\nnetwork_config_dir = \""+dir+"/networks\"\n"), 0o600))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			script := exec.CommandContext(ctx, "unshare", "--net", "--mount", "sh", "-e", "-c", besidePodman)
			script.Dir = dir
			script.Env = append(h.env, "PATH="+filepath.Dir(h.program)+":"+os.Getenv("PATH"), "CONTAINERS_CONF="+conf)
			err := script.Run()
			out, _ := os.ReadFile(filepath.Join(dir, "out"))
			require.NoError(t, err, "%s", out)
			const ours, theirs, way = "in ours ours\n", "in theirs theirs\n", "out world\n"
			require.Equal(t, "both:\n"+ours+theirs+way+way+
				"ours again:\n"+ours+theirs+way+way+"their rules are as they were\n"+
				"theirs again:\n"+ours+theirs+way+way+
				"without ours:\n"+theirs+way+"without a rule of ours\n"+
				"ours last:\n"+ours+theirs+way+way+
				"without theirs:\n"+ours+way, string(out))
		})
	}
}
