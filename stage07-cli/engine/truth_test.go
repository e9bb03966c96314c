package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cooper/stage02-cgroups"
	"cooper/stage03-rootfs"
	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// `inspect` equals the kernel. Each set of options is made by a die, started,
// and everything that inspect says of it is looked up where it is true: in
// /proc/PID, in the cgroup's files, in the container's own namespaces.

// truths is how many sets of options are tried.
const truths = 100

// subject is one container under examination.
type subject struct {
	*testing.T
	in  *engine.Inspection
	pid int // of the command: with an init it is the second process
}

// commandOf finds the command's process. An init makes it after the container
// counts as started, from whichever of its threads; and in the middle of its
// exec the child has no arguments.
func commandOf(t *testing.T, in *engine.Inspection) int {
	if in.HostConfig.Init == nil {
		return in.State.Pid
	}
	for {
		require.NoError(t, unix.Kill(in.State.Pid, 0), "the init has ended")
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", in.State.Pid))
		for _, list := range lists {
			children, _ := os.ReadFile(list)
			var pid int
			if _, err := fmt.Sscan(string(children), &pid); err != nil {
				continue
			}
			if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil && len(name) > 0 && !strings.Contains(string(name), "reaper") {
				return pid
			}
		}
	}
}

// S64
func TestInspectSaysWhatTheKernelSays(t *testing.T) {
	if ranStatic(t) {
		return
	}
	b := newBench(t)
	seed := truthSeed(t)
	dice := rand.New(rand.NewPCG(seed, 0))
	t.Logf("COOPER_SEED=%d repeats this", seed)
	host := t.TempDir()
	for i := range truths {
		o := randomOptions(dice, host)
		id := b.started(t, o)
		in, err := b.Inspect(id)
		require.NoError(t, err)
		passed := t.Run(strconv.Itoa(i), func(t *testing.T) {
			s := &subject{t, in, commandOf(t, in)}
			for _, compare := range []func(*subject){
				life, command, identity, capabilities, privileges, labels, rlimits, score,
				namespacesOf, names, sysctls, interfaces, cgroupPath, memoryLimits, cpuLimits, ioLimits, pidsLimit,
				rootOf, volumes, tmpfses, masks, deviceNodes, deviceRules, terminal,
			} {
				compare(s)
			}
		})
		if !passed {
			t.Logf("%d: %+v", i, o)
		}
		require.NoError(t, b.Remove(t.Context(), id, engine.RemoveOptions{Force: true, Volumes: true}))
	}
}

func truthSeed(t *testing.T) uint64 {
	if given := os.Getenv("COOPER_SEED"); given != "" {
		seed, err := strconv.ParseUint(given, 10, 64)
		require.NoError(t, err)
		return seed
	}
	return uint64(time.Now().UnixNano())
}

// randomOptions makes a container of about half of what there is to ask for.
func randomOptions(dice *rand.Rand, host string) engine.CreateOptions {
	o := engine.CreateOptions{Image: "base", Args: []string{"sleep", "1000"}}
	for _, add := range []func(*rand.Rand, *engine.CreateOptions, string){
		randomProcess, randomPowers, randomLimits, randomSharing, randomMounts, randomDevices,
	} {
		add(dice, &o, host)
	}
	return o
}

// pick returns one of the values.
func pick[T any](dice *rand.Rand, values ...T) T { return values[dice.IntN(len(values))] }

func often(dice *rand.Rand) bool { return dice.IntN(2) == 0 }

func randomProcess(dice *rand.Rand, o *engine.CreateOptions, _ string) {
	o.User = pick(dice, "", "", "root", "0:0", "1000", "1000:100", "65534:5")
	o.Cwd = pick(dice, "", "/tmp", "/made/for/it")
	o.Terminal, o.Init, o.Stdin = often(dice), often(dice), often(dice)
	if often(dice) {
		o.Groups = []string{pick(dice, "29", "777"), "4"}
	}
	if often(dice) {
		o.Env = []string{"A=b", "EMPTY=", fmt.Sprintf("N=%d", dice.IntN(100))}
	}
	if often(dice) {
		o.Rlimits = []rootfs.Rlimit{
			{Type: "RLIMIT_NOFILE", Soft: uint64(64 + dice.IntN(100)), Hard: 200},
			{Type: "RLIMIT_CORE", Soft: 0, Hard: uint64(dice.IntN(3))},
		}
	}
	if often(dice) {
		score := dice.IntN(1001)
		o.OOMScoreAdj = &score
	}
}

func randomPowers(dice *rand.Rand, o *engine.CreateOptions, _ string) {
	o.Privileged = dice.IntN(8) == 0
	o.SecurityOpt = pick(dice, nil, nil, []string{"no-new-privileges"}, []string{"systempaths=unconfined"},
		[]string{"seccomp=unconfined", "no-new-privileges"}, []string{"seccomp=builtin"}, []string{"apparmor=unconfined", "label=disable"})
	if often(dice) {
		o.CapAdd = pick(dice, []string{"NET_ADMIN"}, []string{"CAP_SYS_TIME", "mknod"}, []string{"ALL"})
	}
	if often(dice) {
		o.CapDrop = pick(dice, []string{"CHOWN"}, []string{"setuid", "CAP_SETGID"}, []string{"ALL"})
	}
}

func randomLimits(dice *rand.Rand, o *engine.CreateOptions, _ string) {
	if often(dice) {
		o.Limits.Memory = int64(32+dice.IntN(64)) << 20
		o.Limits.MemoryReservation = pick(dice, 0, o.Limits.Memory/2)
	}
	if often(dice) {
		o.Limits.CPUPeriod = pick[int64](dice, 0, 50_000, 100_000)
		o.Limits.CPUQuota = int64(10_000 + dice.IntN(50_000))
	}
	if often(dice) {
		o.Limits.CPUShares = int64(2 + dice.IntN(5000))
		o.Limits.CPUSetCPUs = pick(dice, "", "0")
	}
	if disk := aDisk(); disk != nil {
		for _, limit := range []*[]cgroups.ThrottleDevice{&o.Limits.DeviceReadBps, &o.Limits.DeviceWriteBps, &o.Limits.DeviceReadIOps, &o.Limits.DeviceWriteIOps} {
			if often(dice) {
				disk.Rate = uint64(1<<30 + dice.IntN(1000))
				*limit = []cgroups.ThrottleDevice{*disk}
			}
		}
	}
	o.Limits.Pids = pick[int64](dice, 0, -1, int64(20+dice.IntN(500)))
	o.CgroupParent = pick(dice, "", "", "cooper/inner")
}

func randomSharing(dice *rand.Rand, o *engine.CreateOptions, _ string) {
	o.Network = pick(dice, engine.NetworkMode("none"), "none", "none", "host", "bridge")
	o.Sharing.IPC = pick(dice, "", "", "private", "none", "shareable", "host")
	o.Sharing.PID = pick(dice, "", "", "host")
	o.Sharing.Cgroup = pick(dice, "", "private", "host")
	o.Sharing.UTS = pick(dice, "", "", "host")
	if o.Sharing.UTS == "" {
		o.Hostname, o.Domainname = pick(dice, "", "cask"), pick(dice, "", "cellar")
	}
	if o.Network != "host" && often(dice) {
		o.Sysctl = map[string]string{"net.ipv4.ip_default_ttl": strconv.Itoa(10 + dice.IntN(100))}
		if o.Sharing.IPC != "host" {
			o.Sysctl["kernel.msgmax"] = strconv.Itoa(8192 + dice.IntN(100))
		}
	}
}

func randomMounts(dice *rand.Rand, o *engine.CreateOptions, host string) {
	o.ReadOnly = often(dice)
	if o.ReadOnly && o.Cwd != "" && dice.IntN(3) == 0 {
		o.Cwd = "/tmp"
	}
	if often(dice) {
		o.Mounts = append(o.Mounts, engine.Mount{Type: "bind", Source: host, Destination: "/bound", ReadOnly: often(dice)})
	}
	if often(dice) {
		o.Mounts = append(o.Mounts, engine.Mount{Type: "volume", Destination: "/vol", ReadOnly: often(dice)})
	}
	if often(dice) {
		o.Mounts = append(o.Mounts, engine.Mount{Type: "tmpfs", Destination: "/memory", ReadOnly: often(dice), Options: []string{"size=1m", "mode=700"}})
	}
	if often(dice) {
		o.ShmSize = int64(1+dice.IntN(8)) << 20
	}
}

func randomDevices(dice *rand.Rand, o *engine.CreateOptions, _ string) {
	if often(dice) {
		o.Devices = []engine.Device{{Host: "/dev/kmsg", Container: "/dev/messages", Permissions: pick(dice, "rwm", "r")}}
	}
}
