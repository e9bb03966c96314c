package seccomp

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	moby "github.com/moby/profiles/seccomp"
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestTheDefaultProfileIsDockers(t *testing.T) {
	docker, err := json.Marshal(moby.DefaultProfile())
	require.NoError(t, err)
	require.JSONEq(t, string(docker), defaultProfile)
}

// Docker's own choice of rules, for many sets of capabilities.
func TestTheRulesThatExistAreThoseThatDockerChooses(t *testing.T) {
	names := strings.Fields(ruledCapabilities)
	for set := range 1 << 7 {
		var capabilities []string
		for i, name := range names {
			if set>>(i%7)&1 != 0 {
				capabilities = append(capabilities, name)
			}
		}
		target, err := Here(capabilities)
		require.NoError(t, err)
		profile, err := DefaultProfile()
		require.NoError(t, err)
		ours, err := profile.rules(target)
		require.NoError(t, err)
		theirs, err := moby.GetDefaultProfile(&specs.Spec{Process: &specs.Process{Capabilities: &specs.LinuxCapabilities{Bounding: capabilities}}})
		require.NoError(t, err)
		require.Len(t, ours, len(theirs.Syscalls))
		for i, rule := range ours {
			require.Equal(t, theirs.Syscalls[i].Names, rule.Names)
			require.Len(t, rule.Args, len(theirs.Syscalls[i].Args))
		}
	}
}

func TestTheBuiltInFilterIsTheProfileCompiled(t *testing.T) {
	profile, err := DefaultProfile()
	require.NoError(t, err)
	target := Target{GOARCH: runtime.GOARCH, Kernel: [2]int{6, 12}, Capabilities: []string{compiledCapability, "CAP_CHOWN"}}
	filter, err := profile.Compile(target)
	require.NoError(t, err)
	require.Equal(t, filter, []byte(builtin), "go generate ./stage03-rootfs/seccomp")
	given, err := Default(target.Capabilities)
	require.NoError(t, err)
	require.Equal(t, filter, given)
	other, err := Default(nil)
	require.NoError(t, err)
	require.NotEqual(t, filter, other, "without CAP_SYS_CHROOT there is no chroot")
}

func TestNoOtherCapabilityMakesADifference(t *testing.T) {
	profile, err := DefaultProfile()
	require.NoError(t, err)
	var asked []string
	for _, rule := range profile.Syscalls {
		for _, filter := range []*Filter{rule.Includes, rule.Excludes} {
			if filter != nil {
				asked = append(asked, filter.Caps...)
			}
		}
	}
	slices.Sort(asked)
	require.Equal(t, strings.Fields(ruledCapabilities), slices.Compact(asked))
}

// S14, at the desk: what a container gets and what it doesn't, by name.
func TestTheDefaultFilterOnCallsThatMatter(t *testing.T) {
	filter, err := Default([]string{compiledCapability})
	require.NoError(t, err)
	program, err := Decode(filter)
	require.NoError(t, err)
	abis, err := machine(runtime.GOARCH)
	require.NoError(t, err)
	numbers, last := abis[0].numbers()
	for call, want := range map[string]unix.Errno{
		"keyctl": unix.EPERM, "add_key": unix.EPERM, "request_key": unix.EPERM, "unshare": unix.EPERM, "setns": unix.EPERM,
		"mount": unix.EPERM, "umount2": unix.EPERM, "pivot_root": unix.EPERM, "fsopen": unix.EPERM, "move_mount": unix.EPERM,
		"bpf": unix.EPERM, "open_by_handle_at": unix.EPERM, "io_uring_setup": unix.EPERM, "userfaultfd": unix.EPERM,
		"perf_event_open": unix.EPERM, "kexec_load": unix.EPERM, "finit_module": unix.EPERM, "clock_settime": unix.EPERM,
		"personality 40000": unix.EPERM, "personality 9e": unix.EPERM, "personality a1": unix.EPERM,
		"personality 0": 0, "personality 8": 0, "personality 20000": 0, "personality 20008": 0, "personality ffffffff": 0,
		"socket 28": unix.EPERM, "socket 26": unix.EPERM, "socket 2": 0, "socket 10": 0, "socket 27": 0, "socket 100000002": unix.EPERM,
		"clone 11": 0, "clone 10000011": unix.EPERM, "clone3": unix.ENOSYS, "ptrace": 0, "read": 0, "execve": 0, "chroot": 0,
	} {
		name, argument, _ := strings.Cut(call, " ")
		c := Call{Number: numbers[name], Arch: abis[0].audit}
		_, _ = fmt.Sscanf(argument, "%x", &c.Args[0])
		action := program.Judge(c)
		require.Equal(t, want == 0, action == Allow, "%s %v", call, action)
		require.Equal(t, want, action.Errno(), call)
	}
	for _, number := range []uint32{last + 1, 1000, 1<<30 - 1, 1 << 30, ^uint32(0)} {
		require.Equal(t, noSuchCall, program.Judge(Call{Number: number, Arch: abis[0].audit}), "%x", number)
	}
	require.Equal(t, KillProcess, program.Judge(Call{Arch: unix.AUDIT_ARCH_MIPS}))
}
