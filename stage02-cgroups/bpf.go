package cgroups

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// bpf(2) is one system call with many commands. Each has its own variant of
// union bpf_attr, of which one passes as many bytes as one knows; the kernel
// takes the rest for zeros.

// loadProgram gives the program to the kernel, whose verifier reads it through.
func loadProgram(program []instruction) (*os.File, error) {
	license := []byte("MIT\x00")
	attr := struct {
		programType, count    uint32
		instructions, license unsafe.Pointer
		logLevel, logSize     uint32
		log                   unsafe.Pointer
		kernelVersion, flags  uint32
		name                  [unix.BPF_OBJ_NAME_LEN]byte // shown by bpftool cgroup list
	}{
		programType:  unix.BPF_PROG_TYPE_CGROUP_DEVICE,
		count:        uint32(len(program)),
		instructions: unsafe.Pointer(&program[0]),
		license:      unsafe.Pointer(&license[0]),
	}
	copy(attr.name[:], "cooper_devices")
	for {
		fd, err := bpf("bpf(BPF_PROG_LOAD)", unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
		if err == nil {
			return os.NewFile(uintptr(fd), "bpf program"), nil
		}
		// The verifier gives way to a signal, and Go's runtime sends some.
		if !errors.Is(err, unix.EAGAIN) {
			return nil, err
		}
	}
}

// bpfAttachment is what attaching and detaching take.
type bpfAttachment struct {
	group, program uint32 // descriptors
	attachType     uint32
	flags          uint32
}

func attachProgram(group, program *os.File) error {
	attr := bpfAttachment{uint32(group.Fd()), uint32(program.Fd()), unix.BPF_CGROUP_DEVICE, unix.BPF_F_ALLOW_MULTI}
	_, err := bpf("bpf(BPF_PROG_ATTACH)", unix.BPF_PROG_ATTACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return err
}

// detachProgram detaches a program that is known by its number only.
func detachProgram(group *os.File, id uint32) error {
	wanted := struct{ id, next, flags uint32 }{id: id}
	fd, err := bpf("bpf(BPF_PROG_GET_FD_BY_ID)", unix.BPF_PROG_GET_FD_BY_ID, unsafe.Pointer(&wanted), unsafe.Sizeof(wanted))
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	attr := bpfAttachment{uint32(group.Fd()), uint32(fd), unix.BPF_CGROUP_DEVICE, 0}
	_, err = bpf("bpf(BPF_PROG_DETACH)", unix.BPF_PROG_DETACH, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	return err
}

// attachedPrograms lists the device programs of the group itself.
func attachedPrograms(group *os.File) ([]uint32, error) {
	ids := make([]uint32, 64) // no group can have more: BPF_CGROUP_MAX_PROGS
	attr := struct {
		group, attachType  uint32
		query, attachFlags uint32
		ids                unsafe.Pointer
		count              uint32
		_                  uint32
	}{
		group:      uint32(group.Fd()),
		attachType: unix.BPF_CGROUP_DEVICE,
		ids:        unsafe.Pointer(&ids[0]),
		count:      uint32(len(ids)),
	}
	_, err := bpf("bpf(BPF_PROG_QUERY)", unix.BPF_PROG_QUERY, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	if err != nil {
		return nil, err
	}
	return ids[:attr.count], nil
}

func bpf(name string, command uintptr, attr unsafe.Pointer, size uintptr) (int, error) {
	n, _, errno := unix.Syscall(unix.SYS_BPF, command, uintptr(attr), size)
	if errno != 0 {
		return 0, os.NewSyscallError(name, errno)
	}
	return int(n), nil
}
