package seccomp

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// comparison is a Condition with its words understood: is the argument, under
// the mask, equal to, above, or at least the value; or is it not?
type comparison struct {
	index       uint
	jump        uint16 // BPF_JEQ, BPF_JGT or BPF_JGE
	not         bool
	mask, value uint64
}

func parseCondition(c Condition) (comparison, error) {
	if c.Index > 5 {
		return comparison{}, fmt.Errorf("argument %d: a system call has six, 0 to 5", c.Index)
	}
	parsed := comparison{index: c.Index, mask: ^uint64(0), value: c.Value}
	switch c.Op {
	case "SCMP_CMP_EQ":
		parsed.jump = unix.BPF_JEQ
	case "SCMP_CMP_NE":
		parsed.jump, parsed.not = unix.BPF_JEQ, true
	case "SCMP_CMP_GT":
		parsed.jump = unix.BPF_JGT
	case "SCMP_CMP_LE":
		parsed.jump, parsed.not = unix.BPF_JGT, true
	case "SCMP_CMP_GE":
		parsed.jump = unix.BPF_JGE
	case "SCMP_CMP_LT":
		parsed.jump, parsed.not = unix.BPF_JGE, true
	case "SCMP_CMP_MASKED_EQ":
		parsed.jump, parsed.mask, parsed.value = unix.BPF_JEQ, c.Value, c.ValueTwo
	default:
		return comparison{}, fmt.Errorf("unknown comparison %q", c.Op)
	}
	return parsed, nil
}

// compare writes a comparison, and returns where it begins.
//
// A holds 32 bits, an argument has 64. So the upper half is compared first,
// and only if it is equal does the lower one decide. Where arguments have 32
// bits so has the value: -1 written as 64 bits is -1 there, too.
func (w *writer) compare(a abi, c comparison, yes, no label) label {
	if c.not {
		yes, no = no, yes
	}
	at := uint32(offsetArgs + 8*c.index)
	start := w.branch(c.jump, uint32(c.value), yes, no)
	start = w.loadMasked(at, uint32(c.mask), start)
	maskHigh, high := uint32(c.mask>>32), uint32(c.value>>32)
	if !a.wide || maskHigh == 0 && high == 0 {
		return start
	}
	start = w.branch(unix.BPF_JEQ, high, start, no)
	if c.jump != unix.BPF_JEQ {
		start = w.branch(unix.BPF_JGT, high, yes, start)
	}
	return w.loadMasked(at+4, maskHigh, start)
}

// loadMasked writes A = half an argument & mask, in front of what it is for.
func (w *writer) loadMasked(at, mask uint32, then label) label {
	w.above(then)
	if mask != ^uint32(0) {
		w.put(instruction{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask})
	}
	return w.put(instruction{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at})
}
