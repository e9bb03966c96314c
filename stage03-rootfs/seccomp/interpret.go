package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Call is a system call as a filter sees it: struct seccomp_data without the
// instruction's address, which no rule can ask for.
type Call struct {
	Number uint32
	Arch   uint32 // AUDIT_ARCH_X86_64, …
	Args   [6]uint64
}

// Native is a call by the machine's own programs.
func Native(number uintptr, args ...uint64) (Call, error) {
	abis, err := machine(runtime.GOARCH)
	if err != nil {
		return Call{}, err
	}
	c := Call{Number: uint32(number), Arch: abis[0].audit}
	copy(c.Args[:], args)
	return c, nil
}

// Program is a filter, read and found valid.
type Program []unix.SockFilter

// Judge runs the program on a call, as the kernel does: what it would answer.
func (p Program) Judge(c Call) Action {
	action, _ := p.run(c.data())
	return action
}

// run also counts the instructions that were run. It ends, because jumps only
// lead forward, and in an answer, because the last instruction is one.
func (p Program) run(data [sizeofData]byte) (action Action, steps int) {
	var a uint32
	for at := 0; ; at++ {
		steps++
		i := p[at]
		switch i.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = binary.NativeEndian.Uint32(data[i.K:])
		case unix.BPF_ALU | unix.BPF_AND | unix.BPF_K:
			a &= i.K
		case unix.BPF_JMP | unix.BPF_JA | unix.BPF_K:
			at += int(i.K)
		case unix.BPF_RET | unix.BPF_K:
			return Action(i.K), steps
		default:
			at += skip(i, a)
		}
	}
}

// skip is how far a comparison jumps.
func skip(i instruction, a uint32) int {
	var holds bool
	switch i.Code & 0xf0 {
	case unix.BPF_JEQ:
		holds = a == i.K
	case unix.BPF_JGT:
		holds = a > i.K
	case unix.BPF_JGE:
		holds = a >= i.K
	}
	if holds {
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

// sizeofInstruction is that of struct sock_filter, in bytes.
const sizeofInstruction = 8

// Decode reads a filter, and refuses what the kernel would refuse to load and
// what isn't one of ours: see bpf_check_classic and seccomp_check_filter in the
// kernel.
func Decode(filter []byte) (Program, error) {
	count := len(filter) / sizeofInstruction
	if count == 0 || count > maxInstructions || len(filter)%sizeofInstruction != 0 {
		return nil, fmt.Errorf("read seccomp filter: %d bytes aren't 1 to %d instructions", len(filter), maxInstructions)
	}
	program := make(Program, count)
	for at := range program {
		text := filter[at*sizeofInstruction:]
		i := instruction{
			Code: binary.NativeEndian.Uint16(text), Jt: text[2], Jf: text[3],
			K: binary.NativeEndian.Uint32(text[4:]),
		}
		if !valid(i, count-at-1) {
			return nil, fmt.Errorf("read seccomp filter: instruction %d: %+v isn't valid there", at, i)
		}
		program[at] = i
	}
	if program[count-1].Code != unix.BPF_RET|unix.BPF_K {
		return nil, errors.New("read seccomp filter: it doesn't end with a return")
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
