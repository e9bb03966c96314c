package seccomp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// abi is one way to call the kernel, with numbers of its own. A machine has
// one for each kind of program that it runs.
type abi struct {
	name  string // "SCMP_ARCH_X86_64"
	audit uint32 // what the kernel calls it in seccomp_data: AUDIT_ARCH_X86_64
	wide  bool   // arguments have 64 bits; else the kernel fills them up with zeros
	table string // see numbers

	// foreign is the first of the numbers that belong to yet another ABI with
	// the same audit value: x32, which has 64-bit registers, 32-bit pointers
	// and hardly a user, but many bugs behind it.
	foreign uint32
}

// none of an ABI's numbers is foreign.
const noneForeign = ^uint32(0)

// x32Bit marks the number of a call by an x32 program; see __X32_SYSCALL_BIT.
const x32Bit = 1 << 30

// machine lists the ABIs of a machine, its own first.
func machine(goarch string) ([]abi, error) {
	var (
		x86_64  = abi{"SCMP_ARCH_X86_64", unix.AUDIT_ARCH_X86_64, true, tableAMD64, x32Bit}
		i386    = abi{"SCMP_ARCH_X86", unix.AUDIT_ARCH_I386, false, table386, noneForeign}
		aarch64 = abi{"SCMP_ARCH_AARCH64", unix.AUDIT_ARCH_AARCH64, true, tableARM64, noneForeign}
		arm     = abi{"SCMP_ARCH_ARM", unix.AUDIT_ARCH_ARM, false, tableARM, noneForeign}
	)
	switch goarch {
	case "amd64":
		return []abi{x86_64, i386}, nil
	case "386":
		return []abi{i386}, nil
	case "arm64":
		return []abi{aarch64, arm}, nil
	case "arm":
		return []abi{arm}, nil
	}
	return nil, fmt.Errorf("no table of system calls for %s", goarch)
}

// knownArch tells whether the runtime specification has such an architecture.
func knownArch(name string) bool {
	const known = " X86 X86_64 X32 ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32" +
		" PPC PPC64 PPC64LE S390 S390X PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB "
	short, isArch := strings.CutPrefix(name, "SCMP_ARCH_")
	return isArch && !strings.Contains(short, " ") && strings.Contains(known, " "+short+" ")
}

// lastOfRow is above every number that an ordinary system call will have. ARM
// has a few calls of its own beyond, from 0xf0000.
const lastOfRow = 0xffff

// numbers reads the table of an ABI: the names in the order of their numbers,
// with a number in front wherever the row is broken. newest is the highest of
// the row.
//
//	"read write … rseq 424 pidfd_send_signal io_uring_setup …"
//
// It is a string, and not a map, because a map would be filled at the start of
// every program that has it, whether it compiles a filter or not.
func (a abi) numbers() (numbers map[string]uint32, newest uint32) {
	numbers = make(map[string]uint32, 512)
	var next uint32
	for word := range strings.SplitSeq(a.table, " ") {
		if number, err := strconv.ParseUint(word, 10, 32); err == nil {
			next = uint32(number)
			continue
		}
		numbers[word] = next
		if next <= lastOfRow {
			newest = next
		}
		next++
	}
	return numbers, newest
}

// known lists the numbers of names; those that this ABI doesn't have are left
// out, as in every profile that is made for more than one machine.
func known(numbers map[string]uint32, names []string) []uint32 {
	var list []uint32
	for _, name := range names {
		if number, ok := numbers[name]; ok {
			list = append(list, number)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
