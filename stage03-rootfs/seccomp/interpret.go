package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Call is a system call as a filter sees it: struct seccomp_data without the
// instruction's address, which no rule can ask for.
type Call struct {
	Number uint32
	Arch   uint32 // AUDIT_ARCH_X86_64, …
	Args   [6]uint64
}

// Judge runs a filter on a call, as the kernel does: what it would answer.
func Judge(filter []byte, c Call) (Action, error) {
	action, _, err := judge(filter, c)
	return action, err
}

// judge also counts the instructions that were run.
func judge(filter []byte, c Call) (action Action, steps int, err error) {
	program, err := decode(filter)
	if err != nil {
		return 0, 0, err
	}
	data := c.data()
	var a uint32
	for at := 0; at < len(program); at++ {
		steps++
		i := program[at]
		switch i.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = binary.NativeEndian.Uint32(data[i.K:])
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= i.K
		case unix.BPF_JMP | unix.BPF_JA | unix.BPF_K:
			at += int(i.K)
		case unix.BPF_RET | unix.BPF_K:
			return Action(i.K), steps, nil
		default:
			at += skip(i, a)
		}
	}
	return 0, steps, errors.New("run seccomp filter: it has no end")
}

// skip is how far a comparison jumps.
func skip(i instruction, a uint32) int {
	var true bool
	switch i.Code & 0xf0 {
	case unix.BPF_JEQ:
		true = a == i.K
	case unix.BPF_JGT:
		true = a > i.K
	case unix.BPF_JGE:
		true = a >= i.K
	}
	if true {
		return int(i.Jt)
	}
	return int(i.Jf)
}

// data lays a call out as the kernel does.
func (c Call) data() [sizeofData]byte {
	var data [sizeofData]byte
	binary.NativeEndian.PutUint32(data[offsetNumber:], c.Number)
	binary.NativeEndian.PutUint32(data[offsetArch:], c.Arch)
	for i, argument := range c.Args {
		binary.NativeEndian.PutUint64(data[offsetArgs+8*i:], argument)
	}
	return data
}

// Check refuses what the kernel would refuse to load, and what isn't a filter
// of ours: see bpf_check_classic and seccomp_check_filter in the kernel.
func Check(filter []byte) error {
	_, err := decode(filter)
	return err
}

func decode(filter []byte) ([]instruction, error) {
	const size = 8
	count := len(filter) / size
	if count == 0 || count > maxInstructions || len(filter)%size != 0 {
		return nil, fmt.Errorf("check seccomp filter: %d bytes aren't 1 to %d instructions", len(filter), maxInstructions)
	}
	program := make([]instruction, count)
	for at := range program {
		text := filter[at*size:]
		i := instruction{
			Code: binary.NativeEndian.Uint16(text), Jt: text[2], Jf: text[3],
			K: binary.NativeEndian.Uint32(text[4:]),
		}
		if !valid(i, count-at-1) {
			return nil, fmt.Errorf("check seccomp filter: instruction %d: %+v isn't valid there", at, i)
		}
		program[at] = i
	}
	if program[count-1].Code != unix.BPF_RET|unix.BPF_K {
		return nil, errors.New("check seccomp filter: it doesn't end with a return")
	}
	return program, nil
}

// valid looks at an instruction behind which there are so many more: what it
// reads is within seccomp_data, and what it jumps to within the program.
func valid(i instruction, behind int) bool {
	switch i.Code {
	case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
		return i.K < sizeofData && i.K%4 == 0
	case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, unix.BPF_RET | unix.BPF_K:
		return true
	case unix.BPF_JMP | unix.BPF_JA | unix.BPF_K:
		return uint64(i.K) < uint64(behind)
	case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
		return int(i.Jt) < behind && int(i.Jf) < behind
	}
	return false
}
