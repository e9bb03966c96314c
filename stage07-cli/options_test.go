package cli

import (
	"context"
	"testing"

	"cooper/stage03-rootfs"
	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
	urfave "github.com/urfave/cli/v2"
)

// optionsOf reads a line as run would and returns what the engine is asked for.
func optionsOf(t *testing.T, line ...string) (options engine.CreateOptions, err error) {
	app := newApp(nil, nil, nil)
	find(app.Commands, "run").Action = takes(1, -1, func(c *urfave.Context) error {
		options, err = createOptions(c)
		return err
	})
	l, err := spell(app, append([]string{"run"}, line...))
	require.NoError(t, err)
	return options, run(context.Background(), app, l)
}

func TestALineBecomesWhatTheEngineIsAskedFor(t *testing.T) {
	options, err := optionsOf(t, "-it", "--rm", "--name", "web", "-eA=1,2", "-e", "B= x ", "--env", "C=3", "-l", "a=b", "-w/srv", "-u", "1000:100",
		"--hostname", "h", "-p", "8080:80", "-v", "/srv:/data:ro", "-m64m", "--cpus", "0.5", "--pids-limit=50", "--network", "none",
		"--read-only", "--cap-add", "net_admin", "--cap-drop=ALL", "--init", "--security-opt", "no-new-privileges", "--stop-signal", "INT",
		"--stop-timeout", "3", "--entrypoint", "", "debian", "sh", "-c", "echo $0", "--rm")
	require.NoError(t, err)
	three := 3
	require.Equal(t, engine.CreateOptions{
		Image: "debian", Args: []string{"sh", "-c", "echo $0", "--rm"}, Name: "web",
		Entrypoint: []string{""}, Env: []string{"A=1,2", "B= x ", "C=3"}, Labels: map[string]string{"a": "b"},
		Cwd: "/srv", User: "1000:100", Hostname: "h", Terminal: true, Stdin: true, Init: true, AutoRemove: true,
		ReadOnly: true, SecurityOpt: []string{"no-new-privileges"}, CapAdd: []string{"net_admin"}, CapDrop: []string{"ALL"},
		Limits:  engine.Limits{Memory: 64 << 20, CPUQuota: 50_000, CPUPeriod: 100_000, Pids: 50},
		Mounts:  []engine.Mount{{Type: "bind", Source: "/srv", Destination: "/data", ReadOnly: true}},
		Network: "none", Ports: []engine.Port{{HostPort: 8080, ContainerPort: 80, Protocol: "tcp"}},
		StopSignal: "INT", StopTimeout: &three,
	}, options)
}

func TestALineWithoutFlagsAsksForTheDefaults(t *testing.T) {
	options, err := optionsOf(t, "debian")
	require.NoError(t, err)
	require.Equal(t, engine.CreateOptions{Image: "debian", Args: []string{}, Env: nil, Labels: map[string]string{},
		CapAdd: nil, CapDrop: nil}, options)
}

func TestWhatConfinesAContainerIsReadFromTheLine(t *testing.T) {
	options, err := optionsOf(t, "--ulimit", "nofile=64", "--sysctl", "net.core.somaxconn=128", "--device", "/dev/null:/dev/nil", "--group-add", "audio",
		"--oom-score-adj", "-5", "--cpu-period", "50000", "--cpu-quota", "25000", "--shm-size", "1m", "--cgroup-parent", "/inner", "--domainname", "d",
		"--ipc", "shareable", "--pid", "host", "--uts", "host", "--cgroupns", "host", "--userns", "host", "--security-opt", "systempaths=unconfined",
		"--security-opt", "no-new-privileges:true", "--annotation", "a=b=c", "debian")
	require.NoError(t, err)
	score := -5
	require.Equal(t, engine.CreateOptions{
		Image: "debian", Args: []string{}, Labels: map[string]string{}, Annotations: map[string]string{"a": "b=c"},
		Rlimits: []rootfs.Rlimit{{Type: "RLIMIT_NOFILE", Soft: 64, Hard: 64}}, Sysctl: map[string]string{"net.core.somaxconn": "128"},
		Devices: []engine.Device{{Host: "/dev/null", Container: "/dev/nil", Permissions: "rwm"}}, Groups: []string{"audio"},
		OOMScoreAdj: &score, Limits: engine.Limits{CPUPeriod: 50_000, CPUQuota: 25_000}, ShmSize: 1 << 20, CgroupParent: "/inner", Domainname: "d",
		Sharing: engine.Sharing{IPC: "shareable", PID: "host", UTS: "host", Cgroup: "host", User: "host"}, SecurityOpt: []string{"systempaths=unconfined", "no-new-privileges:true"},
	}, options)
}

func TestAWrongValueIsAWrongLine(t *testing.T) {
	for _, line := range [][]string{
		{}, {"-p", "70000:80", "debian"}, {"-v", "a:b", "debian"}, {"-m", "lots", "debian"}, {"-e", "=x", "debian"},
		{"--label", "=x", "debian"}, {"--security-opt", "frob", "debian"}, {"--explain=xml", "debian"}, {"--env-file", "/nonexistent", "debian"},
		{"--ulimit", "nofile", "debian"}, {"--sysctl", "net.core.somaxconn", "debian"}, {"--device", "null", "debian"}, {"--oom-score-adj", "1001", "debian"},
		{"--shm-size", "9e18", "debian"}, {"--shm-size", "-1", "debian"}, {"--cpus", "1", "--cpu-quota", "5000", "debian"},
		{"--security-opt", "seccomp=/nonexistent", "debian"}, {"--security-opt", "seccomp=/dev/null", "debian"}, {"--security-opt", "label=x", "debian"},
		{"--memory-swappiness", "101", "debian"}, {"--blkio-weight", "9", "debian"}, {"--device-read-bps", "/dev/null:1m", "debian"},
		{"--device-write-iops", "/dev/sda", "debian"}, {"--blkio-weight-device", "/nonexistent:100", "debian"},
		{"--security-opt", "no-new-privileges=maybe", "debian"}, {"--security-opt", "systempaths=x", "debian"},
	} {
		_, err := optionsOf(t, line...)
		var usage *usageError
		require.ErrorAs(t, err, &usage, "%q", line)
		require.Equal(t, "cooper run", usage.path)
	}
}
