package seccomp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A profile comes from a stranger's file. Whatever is in it: it's refused, or
// the kernel takes the filter, and the filter says what the profile says.
func FuzzCompile(f *testing.F) {
	f.Add([]byte(defaultProfile), uint32(135), uint64(158), uint64(0))
	for _, text := range []string{
		`{"defaultAction": "SCMP_ACT_ALLOW"}`,
		`{"defaultAction": "SCMP_ACT_KILL", "syscalls": [{"name": "read", "action": "SCMP_ACT_ALLOW"}]}`,
		`{"defaultAction": "SCMP_ACT_LOG", "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ERRNO", "errnoRet": 0, "args": [{"index": 1, "value": 18446744073709551615, "op": "SCMP_CMP_GE"}]}]}`,
		`{"defaultAction": "SCMP_ACT_TRAP", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": 4294967296, "op": "SCMP_CMP_LT"}, {"index": 5, "value": 65535, "valueTwo": 255, "op": "SCMP_CMP_MASKED_EQ"}]}]}`,
		`{"defaultAction": "SCMP_ACT_ERRNO", "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}], "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8", "caps": ["CAP_KILL"]}, "excludes": {"arches": ["x86"]}}]}`,
		`{"defaultAction": "SCMP_ACT_NOTIFY"}`, `{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["?"]}`, `[]`, `{}`, `null`,
	} {
		f.Add([]byte(text), uint32(0), uint64(1)<<32, uint64(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, number uint32, a, b uint64) {
		profile, err := Parse(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		target := Target{GOARCH: "amd64", Kernel: [2]int{6, 12}, Capabilities: []string{"CAP_KILL"}}
		filter, err := profile.Compile(target)
		if err != nil {
			return
		}
		program, err := Decode(filter)
		require.NoError(t, err, "the kernel wouldn't load it")
		c := Call{Number: number, Arch: unix.AUDIT_ARCH_X86_64, Args: [6]uint64{a, b, a ^ b, a + 1, b << 32, a >> 32}}
		if simple(profile) {
			require.Equal(t, literally(t, profile, target, c), program.Judge(c))
		}
	})
}

// simple profiles compare no argument twice in a rule; such comparisons are
// alternatives, which literally doesn't know.
func simple(p *Profile) bool {
	for _, rule := range p.Syscalls {
		seen := map[uint]bool{}
		for _, arg := range rule.Args {
			if seen[arg.Index] {
				return false
			}
			seen[arg.Index] = true
		}
	}
	return true
}

// What comes from disk as a filter is run here before the kernel sees it.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(builtin), uint32(0))
	f.Add([]byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}, uint32(1))
	f.Add([]byte{5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 6, 0, 0, 0, 0, 0, 0, 0}, uint32(1))
	f.Add([]byte{0x20, 0, 0, 0, 61, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0}, uint32(1))
	f.Fuzz(func(t *testing.T, filter []byte, number uint32) {
		program, err := Decode(filter)
		if err != nil {
			return
		}
		_, steps := program.run(Call{Number: number}.data())
		require.LessOrEqual(t, steps, len(program), "it jumps forward only")
	})
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	rule := func(text string) string {
		return `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ERRNO", ` + text + `}]}`
	}
	for text, want := range map[string]string{
		`{"defaultAction": "SCMP_ACT_MAYBE"}`:                           "unknown action",
		`{"defaultAction": "SCMP_ACT_NOTIFY"}`:                          "SCMP_ACT_NOTIFY hands each call to another process",
		`{"defaultAction": "SCMP_ACT_TRACE"}`:                           "SCMP_ACT_TRACE hands each call to another process",
		`{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}`:     "takes no errno",
		`{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["X"]}`:           `unknown flag "X"`,
		`{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["X86"]}`: "unknown architecture",
		rule(`"errnoRet": 4096`):                                        "the highest is 4095",
		rule(`"args": [{"index": 6, "op": "SCMP_CMP_EQ"}]`):             "a system call has six",
		rule(`"args": [{"index": 0, "op": "SCMP_CMP_IS"}]`):             "unknown comparison",
		rule(`"name": "write"`):                                         "both name and names",
		rule(`"includes": {"minKernel": "new"}`):                        "parse kernel version",
		`{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"], "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]}`: "both architectures and archMap",
	} {
		profile, err := Parse(strings.NewReader(text))
		require.NoError(t, err, text)
		_, err = profile.Compile(Target{GOARCH: "amd64", Kernel: [2]int{6, 12}})
		require.ErrorContains(t, err, want, text)
	}
	profile, err := Parse(strings.NewReader(`{"defaultAction": "SCMP_ACT_ALLOW"}`))
	require.NoError(t, err)
	_, err = profile.Compile(Target{GOARCH: "vax"})
	require.ErrorContains(t, err, "no table of system calls for vax")
}

func TestAProfileThatIsTooLongIsRefused(t *testing.T) {
	p := Profile{DefaultAction: "SCMP_ACT_ALLOW"}
	for value := range uint64(3000) {
		p.Syscalls = append(p.Syscalls, Rule{Names: []string{"read"}, Action: "SCMP_ACT_ERRNO", Args: []Condition{{Value: value<<32 | value, Op: "SCMP_CMP_EQ"}}})
	}
	_, err := p.Compile(Target{GOARCH: "amd64"})
	require.ErrorContains(t, err, "and the kernel allows 4096")
	p.Syscalls = p.Syscalls[:1000] // but far jumps are no hindrance
	filter, err := p.Compile(Target{GOARCH: "amd64"})
	require.NoError(t, err)
	program, err := Decode(filter)
	require.NoError(t, err)
	for _, value := range []uint64{0, 1, 500, 999, 1000} {
		c := Call{Arch: unix.AUDIT_ARCH_X86_64, Args: [6]uint64{value<<32 | value}}
		require.Equal(t, value >= 1000, program.Judge(c) == Allow, value)
	}
}

// x32 reaches the same calls by other numbers: a list of what is forbidden
// would otherwise be none.
func TestACallOfX32IsNeverMade(t *testing.T) {
	p := Profile{DefaultAction: "SCMP_ACT_ALLOW", Architectures: []string{"SCMP_ARCH_X86_64", "SCMP_ARCH_X32"}}
	filter, err := p.Compile(Target{GOARCH: "amd64"})
	require.NoError(t, err)
	program, err := Decode(filter)
	require.NoError(t, err)
	for number, want := range map[uint32]Action{0: Allow, 9999: Allow, x32Bit - 1: Allow, x32Bit: noSuchCall, x32Bit + 83: noSuchCall} {
		require.Equal(t, want, program.Judge(Call{Number: number, Arch: unix.AUDIT_ARCH_X86_64}), "%x", number)
	}
}

// The figures of the default filter: the length of the program, and how much
// of it is run for a call. They may get better.
func TestTheDefaultFilterIsShortAndQuick(t *testing.T) {
	program, err := Decode([]byte(builtin))
	require.NoError(t, err)
	require.LessOrEqual(t, len(program), 450)
	sum, most := 0, 0
	for number := range uint32(newest + 1) {
		_, steps := program.run(Call{Number: number, Arch: unix.AUDIT_ARCH_X86_64}.data())
		sum, most = sum+steps, max(most, steps)
	}
	t.Logf("%d instructions; %d steps in the mean, %d at most", len(program), sum/(newest+1), most)
	require.LessOrEqual(t, sum/(newest+1), 15)
	require.LessOrEqual(t, most, 80)
}

// BenchmarkCompile measures what other capabilities than the usual ones cost
// when a container is created.
func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		_, err := Default([]string{"CAP_SYS_ADMIN"})
		require.NoError(b, err)
	}
}
