package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

// audits are the checks of docker-bench-security on running containers that a
// machine can make from what inspect says, by the numbers of the CIS benchmark.
// Each reports that the container is as it should be.
var audits = []struct {
	number string
	about  string
	passes func(audited) bool
}{
	{"5.4", "no capabilities are added", func(a audited) bool { return len(a.list("HostConfig", "CapAdd")) == 0 }},
	{"5.5", "not privileged", func(a audited) bool { return a.at("HostConfig", "Privileged") == false }},
	{"5.6", "no sensitive directory of the host is mounted", func(a audited) bool {
		return !a.mounts("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr")
	}},
	{"5.10", "not the host's network", func(a audited) bool { return a.at("HostConfig", "NetworkMode") != "host" }},
	{"5.16", "not the host's processes", func(a audited) bool { return a.at("HostConfig", "PidMode") != "host" }},
	{"5.17", "not the host's shared memory", func(a audited) bool { return a.at("HostConfig", "IpcMode") != "host" }},
	{"5.18", "no devices of the host", func(a audited) bool { return len(a.list("HostConfig", "Devices")) == 0 }},
	{"5.20", "no shared mounts", func(a audited) bool {
		for _, m := range a.list("Mounts") {
			if strings.Contains(m.(map[string]any)["Propagation"].(string), "shared") {
				return false
			}
		}
		return true
	}},
	{"5.21", "not the host's name", func(a audited) bool { return a.at("HostConfig", "UTSMode") != "host" }},
	{"5.22", "a seccomp filter", func(a audited) bool { return !a.option("seccomp=unconfined") }},
	{"5.25", "the usual cgroup", func(a audited) bool { return a.at("HostConfig", "CgroupParent") == "" }},
	{"5.29", "a limit of processes", func(a audited) bool { return a.at("HostConfig", "PidsLimit").(float64) > 0 }},
	{"5.31", "user namespaces as configured", func(a audited) bool { return a.at("HostConfig", "UsernsMode") != "host" }},
	{"5.32", "no engine's socket inside", func(a audited) bool { return !a.mounts("/var/run/docker.sock", "/run/cooper") }},
}

// wishes pass only if they are asked for.
var wishes = []struct {
	number, about string
	passes        func(audited) bool
}{
	{"5.11", "a limit of memory", func(a audited) bool { return a.at("HostConfig", "Memory").(float64) > 0 }},
	{"5.12", "a weight of processor time", func(a audited) bool { return a.at("HostConfig", "CpuShares").(float64) > 0 }},
	{"5.13", "a read-only root", func(a audited) bool { return a.at("HostConfig", "ReadonlyRootfs") == true }},
	{"5.19", "limits of its own", func(a audited) bool { return len(a.list("HostConfig", "Ulimits")) > 0 }},
	{"5.26", "no new privileges", func(a audited) bool { return a.option("no-new-privileges") }},
}

// audited is inspect's answer as docker-bench reads it: as JSON, by names.
type audited map[string]any

func (a audited) at(names ...string) any {
	var value any = map[string]any(a)
	for _, name := range names {
		value = value.(map[string]any)[name]
	}
	return value
}

func (a audited) list(names ...string) []any {
	list, _ := a.at(names...).([]any)
	return list
}

func (a audited) option(wanted string) bool {
	for _, option := range a.list("HostConfig", "SecurityOpt") {
		if option == wanted {
			return true
		}
	}
	return false
}

func (a audited) mounts(sources ...string) bool {
	for _, m := range a.list("Mounts") {
		for _, source := range sources {
			if m.(map[string]any)["Source"] == source {
				return true
			}
		}
	}
	return false
}

func (b *bench) audited(t *testing.T, o engine.CreateOptions) (a audited) {
	in, err := b.Inspect(b.started(t, o))
	require.NoError(t, err)
	text, err := json.Marshal(in)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &a))
	return a
}

// S64
func TestADefaultContainerPassesTheBenchmarksChecks(t *testing.T) {
	b := newBench(t)
	a := b.audited(t, engine.CreateOptions{Image: "base", Args: []string{"sleep", "1000"}})
	for _, check := range audits {
		require.True(t, check.passes(a), "%s %s", check.number, check.about)
	}
	for _, wish := range wishes {
		require.False(t, wish.passes(a), "%s %s is for the user to ask", wish.number, wish.about)
	}
}

func TestACarelessContainerFailsEachOfThem(t *testing.T) {
	b := newBench(t)
	o := options("sleep", "1000")
	o.Privileged, o.CapAdd = true, []string{"SYS_TIME"}
	o.Network, o.CgroupParent = "host", "cooper/inner"
	o.Sharing = engine.Sharing{IPC: "host", PID: "host", UTS: "host", User: "host"}
	o.SecurityOpt, o.Limits.Pids = []string{"seccomp=unconfined"}, -1
	o.Devices = []engine.Device{{Host: "/dev/null", Container: "/dev/nil", Permissions: "rwm"}}
	o.Mounts = []engine.Mount{{Type: "bind", Source: "/etc", Destination: "/host", ReadOnly: true},
		{Type: "bind", Source: b.run, Destination: "/run/cooper", ReadOnly: true}}
	a := b.audited(t, o)
	// The test's own directory is elsewhere, and a shared mount needs a shared source.
	a["Mounts"] = append(a.list("Mounts"), map[string]any{"Source": "/run/cooper", "Propagation": "rshared"})
	for _, check := range audits {
		require.False(t, check.passes(a), "%s %s", check.number, check.about)
	}
}
