//go:build ignore

// questions writes what oracle.c is to answer: Docker's profile for two sets of
// capabilities and two machines, and random profiles full of conditions.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"cooper/stage03-rootfs/seccomp"
)

// Libseccomp's tokens of the ABIs; they are also the kernel's AUDIT_ARCH_….
var abis = map[string][]uint32{"amd64": {0xc000003e, 0x40000003}, "arm64": {0xc00000b7, 0x40000028}}

var names = map[string][]string{"amd64": {"SCMP_ARCH_X86_64", "SCMP_ARCH_X86"}, "arm64": {"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"}}

var actions = map[string]uint32{
	"SCMP_ACT_ALLOW": 0x7fff0000, "SCMP_ACT_LOG": 0x7ffc0000, "SCMP_ACT_TRAP": 0x00030000,
	"SCMP_ACT_KILL_PROCESS": 0x80000000, "SCMP_ACT_KILL_THREAD": 0,
}

var ops = []string{"", "SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"}

var (
	out    = bufio.NewWriter(os.Stdout)
	random = rand.New(rand.NewPCG(1992, 2005))
)

func main() {
	defer out.Flush()
	for _, goarch := range []string{"amd64", "arm64"} {
		for _, token := range abis[goarch] {
			fmt.Fprintf(out, "T %x\n", token)
		}
		docker(goarch, "CAP_SYS_CHROOT")
		docker(goarch, "CAP_SYS_ADMIN", "CAP_SYS_PTRACE", "CAP_BPF")
		for range 40 {
			invented(goarch)
		}
	}
}

func docker(goarch string, capabilities ...string) {
	profile, err := seccomp.DefaultProfile()
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(out, "D %s %s\n", goarch, strings.Join(capabilities, ","))
	var rules []seccomp.Rule
	for _, rule := range profile.Syscalls {
		if exists(rule, goarch, capabilities) {
			rules = append(rules, rule)
		}
	}
	begin(goarch, profile, rules)
	for _, abi := range abis[goarch] {
		for number := range uint32(480) {
			ask(abi, number, [6]uint64{})
		}
		for _, number := range []uint32{480, 0x3fffffff, 0x40000000, 0x40000001, 0xf0001, 0xf0002, 0xf0005, 0xffffffff} {
			ask(abi, number, [6]uint64{})
		}
	}
	// socket, personality, clone and clone3 on each of the four.
	for abi, numbers := range map[uint32][]uint32{
		0xc000003e: {41, 135, 56, 435}, 0x40000003: {359, 136, 120, 435},
		0xc00000b7: {198, 92, 220, 435}, 0x40000028: {281, 136, 120, 435},
	} {
		if !slices.Contains(abis[goarch], abi) {
			continue
		}
		for _, number := range numbers {
			for _, value := range interesting() {
				if abi&0x80000000 == 0 {
					value = uint64(uint32(value))
				}
				ask(abi, number, [6]uint64{value, 158})
			}
		}
	}
}

func interesting() []uint64 {
	list := []uint64{0x20000, 0x20008, 0x40000, 0xffffffff, 0xfffffffe, 1 << 32, 1<<32 + 8, ^uint64(0), 158, 161, 0x7e020000, 0x10000000, 0x01200011, 0x00020000, 0x3d0f00}
	for value := range uint64(48) {
		list = append(list, value)
	}
	return list
}

// exists is Docker's rule for includes and excludes, on any recent kernel.
func exists(r seccomp.Rule, goarch string, capabilities []string) bool {
	if out := r.Excludes; out != nil && (slices.Contains(out.Arches, goarch) ||
		slices.ContainsFunc(out.Caps, func(c string) bool { return slices.Contains(capabilities, c) })) {
		return false
	}
	in := r.Includes
	return in == nil || (len(in.Arches) == 0 || slices.Contains(in.Arches, goarch)) &&
		!slices.ContainsFunc(in.Caps, func(c string) bool { return !slices.Contains(capabilities, c) })
}

// begin tells the oracle of the rules that say more than the default.
func begin(goarch string, p *seccomp.Profile, rules []seccomp.Rule) {
	byDefault := action(p.DefaultAction, p.DefaultErrnoRet)
	fmt.Fprintf(out, "P %x", byDefault)
	for _, token := range abis[goarch] {
		fmt.Fprintf(out, " %x", token)
	}
	fmt.Fprintln(out)
	for _, rule := range rules {
		act := action(rule.Action, rule.ErrnoRet)
		if act == byDefault {
			continue
		}
		for _, name := range rule.Names {
			fmt.Fprintf(out, "R %x %s %x", act, name, len(rule.Args))
			for _, arg := range rule.Args {
				fmt.Fprintf(out, " %x %x %x %x", arg.Index, slices.Index(ops, arg.Op), arg.Value, arg.ValueTwo)
			}
			fmt.Fprintln(out)
		}
	}
}

func action(name string, errno *uint) uint32 {
	if name != "SCMP_ACT_ERRNO" {
		return actions[name]
	}
	if errno == nil {
		return 0x00050001
	}
	return 0x00050000 | uint32(*errno)
}

func ask(abi, number uint32, args [6]uint64) {
	fmt.Fprintf(out, "V %x %x", abi, number)
	for _, arg := range args {
		fmt.Fprintf(out, " %x", arg)
	}
	fmt.Fprintln(out)
}

// calls are some that every ABI has, under the same name and with numbers of
// its own. Those that i386 also reaches through socketcall and ipc aren't
// among them: libseccomp rewrites rules for these.
var calls = map[string][4]uint32{
	"read": {0, 3, 63, 3}, "write": {1, 4, 64, 4}, "close": {3, 6, 57, 6}, "ioctl": {16, 54, 29, 54},
	"madvise": {28, 219, 233, 220}, "getpid": {39, 20, 172, 20}, "kill": {62, 37, 129, 37}, "ptrace": {101, 26, 117, 26},
	"personality": {135, 136, 92, 136}, "prctl": {157, 172, 167, 172}, "chroot": {161, 61, 51, 61}, "sync": {162, 36, 81, 36},
	"futex": {202, 240, 98, 240}, "openat": {257, 295, 56, 322}, "unshare": {272, 310, 97, 337}, "splice": {275, 313, 76, 340},
	"bpf": {321, 357, 280, 386}, "statx": {332, 383, 291, 397}, "clone3": {435, 435, 435, 435}, "openat2": {437, 437, 437, 437},
}

func pick[T any](list ...T) T { return list[random.IntN(len(list))] }

// invented is a profile in which each call has one action, so that the order
// of its rules, which libseccomp changes as it likes, doesn't matter.
func invented(goarch string) {
	all := []string{"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_LOG", "SCMP_ACT_TRAP", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD"}
	p := &seccomp.Profile{DefaultAction: pick(all...), Architectures: names[goarch]}
	var asked []string
	for _, name := range sorted() {
		if random.IntN(3) == 0 {
			continue
		}
		asked = append(asked, name)
		act := pick(all...)
		var errno *uint
		if act == "SCMP_ACT_ERRNO" {
			number := uint(random.IntN(130))
			errno = &number
		}
		for range 1 + random.IntN(4) {
			p.Syscalls = append(p.Syscalls, seccomp.Rule{Names: []string{name}, Action: act, ErrnoRet: errno, Args: conditions()})
		}
	}
	random.Shuffle(len(p.Syscalls), func(i, j int) { p.Syscalls[i], p.Syscalls[j] = p.Syscalls[j], p.Syscalls[i] })
	text, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(out, "J %s %s\n", goarch, text)
	begin(goarch, p, p.Syscalls)
	for _, name := range asked {
		for range 10 {
			which := random.IntN(2)
			abi := abis[goarch][which]
			if goarch == "arm64" {
				which += 2
			}
			ask(abi, calls[name][which], arguments(p, name, abi&0x80000000 != 0))
		}
	}
}

func sorted() []string {
	var list []string
	for name := range calls {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func value() uint64 {
	return pick(uint64(random.IntN(4)), uint64(random.IntN(200)), uint64(random.Uint32()), uint64(random.IntN(4))<<32|uint64(random.IntN(4)), ^uint64(0)-uint64(random.IntN(4)))
}

func conditions() []seccomp.Condition {
	var list []seccomp.Condition
	for _, index := range random.Perm(6)[:pick(0, 1, 1, 1, 1, 2, 2, 3)] {
		c := seccomp.Condition{Index: uint(index), Op: pick(ops[1:]...), Value: value()}
		if c.Op == "SCMP_CMP_MASKED_EQ" {
			c.Value = pick(value(), 0xff, 0xf0f0, 0xffffffff, 0x7e020000, 0xff00000000)
			c.ValueTwo = c.Value & value()
		}
		list = append(list, c)
	}
	return list
}

// arguments are near to what the rules ask for, as often as not, and 0 where
// none asks.
func arguments(p *seccomp.Profile, name string, wide bool) (args [6]uint64) {
	var rules []seccomp.Rule
	for _, rule := range p.Syscalls {
		if slices.Contains(rule.Names, name) {
			rules = append(rules, rule)
		}
	}
	for _, rule := range append(rules, pick(rules...)) {
		for _, c := range rule.Args {
			near := c.Value
			if c.Op == "SCMP_CMP_MASKED_EQ" {
				near = c.ValueTwo
			}
			args[c.Index] = pick(near, near, near+1, near-1, near+1<<32, value())
		}
	}
	if !wide {
		for i := range args {
			args[i] = uint64(uint32(args[i]))
		}
	}
	return args
}
