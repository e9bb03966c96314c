package cgroups

import (
	"encoding/binary"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// Devices in version 2: there is no file. Whenever a process of the group makes
// or opens a device, the kernel runs a program of ours, and 0 is no. The
// program is written in the instructions of BPF, a small machine inside the
// kernel. Registers r0 to r10 have 64 bits; r1 is given, and points to what the
// program is asked (struct bpf_cgroup_dev_ctx in linux/bpf.h):
//
//	offset  0            4        8
//	        access_type  major    minor      32 bits each
//
//	access_type: access << 16 | type
//	access:      1 mknod, 2 read, 4 write, or a sum of them
//	type:        1 block, 2 character
//
// and r0 is the answer. The program is a deviceTable, one entry after the other:
//
//	     r2 = access_type          in words, once
//	     r3 = r2 >> 16             r3: access
//	     r2 = r2 & 0xffff          r2: type
//	     r4 = major
//	     r5 = minor
//	     if r2 != 2 goto next      for each entry: is the device one of it?
//	     if r4 != 1 goto next      not where the entry says any
//	     if r5 != 3 goto next
//	     r3 &= ^access             is anything asked that the entry hasn't?
//	     r0 = 1
//	     if r3 == 0 goto +1
//	     r0 = 0
//	     exit
//	next:
//	     …
//	     r0 = 0
//	     exit
//
// All jumps go forward, so that the kernel's verifier sees that it ends.

// instruction is struct bpf_insn: 8 bytes.
type instruction struct {
	code      uint8
	registers uint8 // the target's number and the source's, 4 bits each
	offset    int16 // of a jump, from the next instruction on; of a field
	immediate int32 // a constant, sign-extended to 64 bits
}

// The registers of the program, by what they hold.
const (
	answer     = iota // r0
	question          // r1
	deviceType        // r2
	asked             // r3
	major             // r4
	minor             // r5
)

// assemble writes the program.
func (t deviceTable) assemble() []instruction {
	program := []instruction{
		loadWord(deviceType, question, 0),
		operate(unix.BPF_MOV|unix.BPF_X, asked, deviceType, 0),
		operate(unix.BPF_RSH|unix.BPF_K, asked, 0, 16),
		operate(unix.BPF_AND|unix.BPF_K, deviceType, 0, 0xffff),
		loadWord(major, question, 4),
		loadWord(minor, question, 8),
	}
	for _, entry := range t {
		program = append(program, entry.assemble()...)
	}
	return append(program, set(answer, 0), exit())
}

func (e deviceEntry) assemble() []instruction {
	types := map[byte]int32{'b': unix.BPF_DEVCG_DEV_BLOCK, 'c': unix.BPF_DEVCG_DEV_CHAR}
	tests := []instruction{unlessEqual(deviceType, types[e.kind])}
	if e.major != anyNumber {
		tests = append(tests, unlessEqual(major, int32(e.major)))
	}
	if e.minor != anyNumber {
		tests = append(tests, unlessEqual(minor, int32(e.minor)))
	}
	verdict := []instruction{
		operate(unix.BPF_AND|unix.BPF_K, asked, 0, ^int32(e.access)),
		set(answer, 1),
		ifZero(asked, 1),
		set(answer, 0),
		exit(),
	}
	for i := range tests {
		tests[i].offset = int16(len(tests) - 1 - i + len(verdict)) // to the next entry
	}
	return append(tests, verdict...)
}

// The assembler: one function for each sort of instruction that we need. See
// the kernel's bpf/standardization/instruction-set.rst.

// loadWord is target = *(u32 *)(source + offset).
func loadWord(target, source uint8, offset int16) instruction {
	return instruction{code: unix.BPF_LDX | unix.BPF_MEM | unix.BPF_W, registers: pair(target, source), offset: offset}
}

// operate is an operation of 64 bits on the target: target op= source, or the
// constant.
func operate(op, target, source uint8, constant int32) instruction {
	return instruction{code: unix.BPF_ALU64 | op, registers: pair(target, source), immediate: constant}
}

func set(target uint8, constant int32) instruction {
	return operate(unix.BPF_MOV|unix.BPF_K, target, 0, constant)
}

// unlessEqual jumps when the register isn't the constant; whither is filled in
// later.
func unlessEqual(register uint8, constant int32) instruction {
	return instruction{code: unix.BPF_JMP | unix.BPF_JNE | unix.BPF_K, registers: pair(register, 0), immediate: constant}
}

func ifZero(register uint8, skip int16) instruction {
	return instruction{code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, registers: pair(register, 0), offset: skip}
}

func exit() instruction { return instruction{code: unix.BPF_JMP | unix.BPF_EXIT} }

// pair puts two registers into a byte. They are bit fields in C, and so the
// first has the lower bits only on a machine that begins numbers with the lower
// byte.
func pair(target, source uint8) uint8 {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return target<<4 | source
	}
	return target | source<<4
}

// limitDevices2 attaches the table's program to a group, and detaches those
// that were there. In between both are asked, and each can say no.
//
// A program stays as long as the group, and needs no Undo. Groups inside may
// attach their own (BPF_F_ALLOW_MULTI) and be stricter; all are asked from the
// bottom to the top.
func limitDevices2(dir string, t deviceTable) error {
	group, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer group.Close()
	old, err := attachedPrograms(group)
	if err != nil {
		return err
	}
	if !t.isOpen() || t.hasHoles() {
		if err := attach(group, t.assemble()); err != nil {
			return err
		}
	}
	var errs []error
	for _, id := range old {
		errs = append(errs, detachProgram(group, id))
	}
	return errors.Join(errs...)
}

func attach(group *os.File, program []instruction) error {
	loaded, err := loadProgram(program)
	if err != nil {
		return err
	}
	defer loaded.Close() // the group holds it from now on
	return attachProgram(group, loaded)
}
